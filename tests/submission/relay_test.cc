// SPDX-License-Identifier: Apache-2.0
// Without a login submission carries nothing for anybody, and the trusted-network listener nothing for strangers
// (security.md D15, product.md promise 2).
#include "tests/smtp/disguises.h"
#include "tests/submission/house.h"

namespace postern::test {
namespace {

const std::vector<std::string> refusals{"5"};

TEST(SubmissionRelay, EveryDisguiseIsRefusedWithoutTls) {
  SubmissionHouse house;
  for (const auto& disguise : relay_disguises()) {
    SCOPED_TRACE(disguise);
    play_disguise(house, disguise, {"EHLO client.example", "MAIL FROM:<alice@example.org>"}, refusals);
  }
  EXPECT_EQ(house.store().queue().depth(), 0U);
}

TEST(SubmissionRelay, EveryDisguiseIsRefusedWithoutLogin) {
  SubmissionHouse house;
  house.default_service("465");
  for (const auto& disguise : relay_disguises()) {
    SCOPED_TRACE(disguise);
    play_disguise(house, disguise, {"EHLO client.example", "MAIL FROM:<alice@example.org>"}, refusals, "tls\n");
  }
  EXPECT_EQ(house.store().queue().depth(), 0U);
}

TEST(SubmissionRelay, EveryDisguiseIsRefusedOutsideTheTrustedNetwork) {
  SubmissionHouse house;
  house.default_service("trusted");
  for (const auto& disguise : relay_disguises()) {
    SCOPED_TRACE(disguise);
    play_disguise(house, disguise, {"EHLO client.example", "MAIL FROM:<alice@example.org>"}, refusals);
  }
  EXPECT_EQ(house.store().queue().depth(), 0U);
}

TEST(SubmissionRelay, TheRightNeedsANetworkOfTheList) {
  config::Trusted trusted;
  const auto peer = *IpAddress::parse("192.0.2.200");
  EXPECT_FALSE(submission::TrustedNetwork::right_of(peer, trusted));
  trusted.networks.push_back(*config::Network::parse("192.0.2.0/25"));
  EXPECT_FALSE(submission::TrustedNetwork::right_of(peer, trusted));
  trusted.networks.push_back(*config::Network::parse("192.0.2.128/25"));
  EXPECT_TRUE(submission::TrustedNetwork::right_of(peer, trusted));
  EXPECT_EQ(submission::TrustedNetwork::right_of(peer, trusted)->account(), 0U);
}

}  // namespace
}  // namespace postern::test
