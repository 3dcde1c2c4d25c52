// SPDX-License-Identifier: Apache-2.0
#include "smtp/capabilities.h"

#include <gtest/gtest.h>

namespace postern::smtp {
namespace {

TEST(Capabilities, AnnouncesWhatIsOffered) {
  Offer offer;
  offer.message_bytes = 1000;
  offer.recipients = 5;
  offer.messages = 7;
  EXPECT_EQ(announce("mail.example.org", offer),
            "mail.example.org\nPIPELINING\nSIZE 1000\n8BITMIME\nSMTPUTF8\nENHANCEDSTATUSCODES\nCHUNKING\nDSN\n"
            "LIMITS MAILMAX=7 RCPTMAX=5");
  offer.starttls = true;
  EXPECT_NE(announce("x", offer).find("\nSTARTTLS\n"), std::string::npos);
  offer.starttls = false;
  offer.require_tls = true;
  offer.auth = {"SCRAM-SHA-256", "PLAIN"};
  EXPECT_NE(announce("x", offer).find("\nREQUIRETLS\nAUTH SCRAM-SHA-256 PLAIN\n"), std::string::npos);
}

TEST(Capabilities, TakesOnlyParametersThatWereAnnounced) {
  Offer offer;
  EXPECT_FALSE(offer.parameters(true).auth);
  EXPECT_FALSE(offer.parameters(true).require_tls);
  offer.auth = {"PLAIN"};
  offer.require_tls = true;
  EXPECT_TRUE(offer.parameters(true).auth);
  EXPECT_TRUE(offer.parameters(true).require_tls);
  EXPECT_FALSE(offer.parameters(false).size);
  EXPECT_FALSE(offer.parameters(false).auth);
}

}  // namespace
}  // namespace postern::smtp
