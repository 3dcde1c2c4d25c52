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
            "mail.example.org\nPIPELINING\nSIZE 1000\n8BITMIME\nSMTPUTF8\nENHANCEDSTATUSCODES\nCHUNKING\nBINARYMIME\nDSN\n"
            "LIMITS MAILMAX=7 RCPTMAX=5");
  offer.starttls = true;
  EXPECT_NE(announce("x", offer).find("\nSTARTTLS\n"), std::string::npos);
  offer.starttls = false;
  offer.require_tls = true;
  offer.auth = {"SCRAM-SHA-256", "PLAIN"};
  EXPECT_NE(announce("x", offer).find("\nREQUIRETLS\nAUTH SCRAM-SHA-256 PLAIN\n"), std::string::npos);
  offer.now = 1'795'363'200;
  offer.hold_seconds = 3600;
  EXPECT_NE(announce("x", offer).find("\nFUTURERELEASE 3600 2026-11-22T17:00:00Z\n"), std::string::npos);
  EXPECT_EQ(offer.parameters(true).hold_until, 1'795'366'800);
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
