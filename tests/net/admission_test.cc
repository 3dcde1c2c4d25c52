// SPDX-License-Identifier: Apache-2.0
#include "net/admission.h"

#include <gtest/gtest.h>

namespace postern::net {
namespace {

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

struct AdmissionTest : testing::Test {
  FakeClock clock;
  AdmissionLimits limits{.per_address = 2, .per_network = 3, .total = 5, .rate_per_minute = 0, .exempt = {}};
  std::vector<Admission::Permit> held;

  std::optional<Refusal> enter(Admission& admission, std::string_view address) {
    auto permit = admission.enter(ip(address));
    if (!permit) return permit.error().reason;
    held.push_back(std::move(*permit));
    return std::nullopt;
  }
};

TEST_F(AdmissionTest, LimitsPerAddressNetworkAndTotal) {
  Admission admission(limits, clock);
  EXPECT_EQ(enter(admission, "192.0.2.1"), std::nullopt);
  EXPECT_EQ(enter(admission, "192.0.2.1"), std::nullopt);
  EXPECT_EQ(enter(admission, "192.0.2.1"), Refusal::per_address);
  EXPECT_EQ(enter(admission, "192.0.2.2"), std::nullopt);
  EXPECT_EQ(enter(admission, "192.0.2.3"), Refusal::per_network);
  EXPECT_EQ(enter(admission, "198.51.100.1"), std::nullopt);
  EXPECT_EQ(enter(admission, "198.51.100.1"), std::nullopt);
  EXPECT_EQ(enter(admission, "203.0.113.1"), Refusal::total);
  EXPECT_EQ(admission.active(), 5U);
  held.clear();
  EXPECT_EQ(admission.active(), 0U);
  EXPECT_EQ(enter(admission, "192.0.2.1"), std::nullopt);
}

TEST_F(AdmissionTest, Ipv6CountsBy64And48AndMappedIsIpv4) {
  Admission admission(limits, clock);
  EXPECT_EQ(enter(admission, "2001:db8:1:1::1"), std::nullopt);
  EXPECT_EQ(enter(admission, "2001:db8:1:1:ffff::2"), std::nullopt);
  EXPECT_EQ(enter(admission, "2001:db8:1:1::3"), Refusal::per_address);
  EXPECT_EQ(enter(admission, "2001:db8:1:2::1"), std::nullopt);
  EXPECT_EQ(enter(admission, "2001:db8:1:3::1"), Refusal::per_network);
  held.clear();
  EXPECT_EQ(enter(admission, "192.0.2.1"), std::nullopt);
  EXPECT_EQ(enter(admission, "::ffff:192.0.2.1"), std::nullopt);
  EXPECT_EQ(enter(admission, "::ffff:c000:201"), Refusal::per_address);
}

TEST_F(AdmissionTest, RateIsPerMinute) {
  limits = {.per_address = 0, .per_network = 0, .total = 0, .rate_per_minute = 3, .exempt = {}};
  Admission admission(limits, clock);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(enter(admission, "192.0.2.1"), std::nullopt);
  EXPECT_EQ(enter(admission, "192.0.2.1"), Refusal::rate);
  EXPECT_EQ(enter(admission, "192.0.2.2"), std::nullopt);
  clock.advance(std::chrono::seconds(61));
  EXPECT_EQ(enter(admission, "192.0.2.1"), std::nullopt);
}

// security.md §1.6: 60 in a minute, 300 in ten minutes.
TEST_F(AdmissionTest, TenMinutesHaveALimitOfTheirOwn) {
  limits = {.per_address = 0, .per_network = 0, .total = 0, .rate_per_minute = 3, .exempt = {}};
  Admission admission(limits, clock);
  for (int minute = 0; minute < 5; ++minute) {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(enter(admission, "192.0.2.1"), std::nullopt) << minute << ' ' << i;
    clock.advance(std::chrono::seconds(61));
  }
  EXPECT_EQ(enter(admission, "192.0.2.1"), Refusal::rate);
  EXPECT_EQ(enter(admission, "192.0.2.2"), std::nullopt);
  clock.advance(std::chrono::seconds(600 - 5 * 61));
  EXPECT_EQ(enter(admission, "192.0.2.1"), std::nullopt);
}

TEST_F(AdmissionTest, ANetworkHasARateThatOneAddressCannotUseUp) {
  limits = {.per_address = 20, .per_network = 40, .total = 0, .rate_per_minute = 3, .exempt = {}};
  Admission admission(limits, clock);
  const auto visit = [&](std::string_view address) {
    const auto permit = admission.enter(ip(address));
    return permit ? std::nullopt : std::optional(permit.error().reason);
  };
  for (int i = 0; i < 100; ++i) visit("192.0.2.1");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(visit("192.0.2.2"), std::nullopt);
  EXPECT_EQ(visit("192.0.2.3"), Refusal::rate);  // six of this network came in
  EXPECT_EQ(visit("192.0.3.1"), std::nullopt);
  clock.advance(std::chrono::seconds(61));
  EXPECT_EQ(visit("192.0.2.3"), std::nullopt);
}

TEST_F(AdmissionTest, AFloodIsWorthFewLines) {
  limits = {.per_address = 0, .per_network = 0, .total = 0, .rate_per_minute = 1, .exempt = {}};
  Admission admission(limits, clock);
  const auto lines = [&](std::string_view address) {
    std::vector<std::size_t> told;
    for (int i = 0; i < 2'001; ++i) {
      const auto permit = admission.enter(ip(address));
      if (!permit && permit.error().worth_a_line()) told.push_back(permit.error().times);
    }
    return told;
  };
  const std::vector<std::size_t> powers{1, 10, 100, 1'000};
  EXPECT_EQ(lines("192.0.2.1"), powers);
  EXPECT_EQ(lines("192.0.2.2"), powers) << "each address is counted apart";
  clock.advance(std::chrono::seconds(61));
  EXPECT_EQ(lines("192.0.2.1"), powers) << "and anew each minute";
}

TEST_F(AdmissionTest, TheFullHouseIsWorthFewLinesForAll) {
  limits = {.per_address = 0, .per_network = 0, .total = 1, .rate_per_minute = 0, .exempt = {}};
  Admission admission(limits, clock);
  EXPECT_EQ(enter(admission, "192.0.2.1"), std::nullopt);
  std::size_t told = 0;
  for (std::uint8_t i = 0; i < 200; ++i) {
    const auto permit = admission.enter(IpAddress::v4({203, 0, i, 1}));
    ASSERT_FALSE(permit);
    told += permit.error().worth_a_line() ? 1 : 0;
  }
  EXPECT_EQ(told, 3U);
}

TEST_F(AdmissionTest, WhoIsBannedIsWorthNoLine) {
  Admission admission(limits, clock, [](const IpAddress&) { return true; });
  const auto permit = admission.enter(ip("192.0.2.1"));
  ASSERT_FALSE(permit);
  EXPECT_FALSE(permit.error().worth_a_line());
}

TEST_F(AdmissionTest, ExemptNetworksMeetOnlyTheTotal) {
  limits.exempt = {IpNetwork::parse("10.0.0.0/8").value()};
  Admission admission(limits, clock);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(enter(admission, "10.0.0.1"), std::nullopt);
  EXPECT_EQ(enter(admission, "10.0.0.1"), Refusal::total);
}

TEST_F(AdmissionTest, TableIsBounded) {
  limits = {.per_address = 0, .per_network = 0, .total = 0, .rate_per_minute = 10, .exempt = {}};
  Admission admission(limits, clock);
  for (std::uint32_t i = 0; i < 60'000; ++i) {
    const auto octet = [i](unsigned shift) { return static_cast<std::uint8_t>(i >> shift); };
    ASSERT_TRUE(admission.enter(IpAddress::v4({octet(16), octet(8), octet(0), 1})));
  }
  EXPECT_LE(admission.table_size(), 16U * 4098);
  EXPECT_EQ(admission.active(), 0U);
}

TEST_F(AdmissionTest, PermitMayOutliveTheAdmission) {
  auto admission = std::make_unique<Admission>(limits, clock);
  EXPECT_EQ(enter(*admission, "192.0.2.1"), std::nullopt);
  admission.reset();
  held.clear();
}

}  // namespace
}  // namespace postern::net
