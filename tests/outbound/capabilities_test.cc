// SPDX-License-Identifier: Apache-2.0
#include "outbound/capabilities.h"

#include <gtest/gtest.h>

namespace postern::outbound {
namespace {

Capabilities read(std::vector<std::string> lines) {
  lines.insert(lines.begin(), "host.example says STARTTLS");
  return read_capabilities(Reply{250, std::move(lines)});
}

TEST(Capabilities, ReadsWhatItKnowsAndSkipsTheRest) {
  const auto got = read({"pipelining", "SIZE 1000", "8BITMIME", "AUTH plain SCRAM-SHA-256", "DSN", "X-NEW 1 2", "", "SMTPUTF8"});
  EXPECT_TRUE(got.esmtp && got.pipelining && got.eight_bit_mime && got.dsn && got.smtputf8);
  EXPECT_FALSE(got.starttls) << "the greeting line is no keyword";
  EXPECT_EQ(got.size, 1000U);
  EXPECT_EQ(got.auth, (std::vector<std::string>{"PLAIN", "SCRAM-SHA-256"}));
}

// RFC 1870 §4
TEST(Capabilities, SizeWithoutOrWithAnUnreadableNumberIsNoLimit) {
  EXPECT_EQ(read({"SIZE"}).size, 0U);
  EXPECT_EQ(read({"SIZE 0"}).size, 0U);
  EXPECT_EQ(read({"SIZE 99999999999999999999999"}).size, 0U);
  EXPECT_EQ(read({"SIZE x"}).size, 0U);
  EXPECT_FALSE(read({}).size);
}

// RFC 9422
TEST(Capabilities, ReadsLimits) {
  const auto got = read({"LIMITS MAILMAX=5 RCPTMAX=20 FOO=1"});
  EXPECT_EQ(got.mail_max, 5U);
  EXPECT_EQ(got.rcpt_max, 20U);
  EXPECT_FALSE(read({"LIMITS RCPTMAX=x"}).rcpt_max);
}

}  // namespace
}  // namespace postern::outbound
