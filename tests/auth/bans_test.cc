// SPDX-License-Identifier: Apache-2.0
#include "auth/bans.h"

#include <gtest/gtest.h>

namespace postern::auth {
namespace {

using std::chrono::hours;

struct BansTest : ::testing::Test {
  static IpNetwork net(const char* text) { return *IpNetwork::parse(text); }
  static IpAddress ip(const char* text) { return *IpAddress::parse(text); }
  FakeClock clock;
  BanRules rules{.never = {net("127.0.0.0/8"), net("192.0.2.128/25")}};
  Bans bans{rules, clock};
};

TEST_F(BansTest, TheAdminsBanLastsUntilItsEnd) {
  const auto row = bans.add({net("203.0.113.0/24"), clock.unix_now() + 60, "ticket 4711"}).value();
  EXPECT_TRUE(row.by_admin);
  EXPECT_EQ(row.note, "ticket 4711");
  EXPECT_TRUE(bans.turns_away(ip("203.0.113.7")));
  EXPECT_TRUE(bans.turns_away(ip("::ffff:203.0.113.7")));
  EXPECT_FALSE(bans.turns_away(ip("203.0.112.7")));
  EXPECT_EQ(bans.list(Bans::Which::in_force).at(0).turned_away, 2U);
  clock.advance(std::chrono::seconds(60));
  EXPECT_FALSE(bans.turns_away(ip("203.0.113.7")));
  EXPECT_TRUE(bans.list(Bans::Which::in_force).empty());
  EXPECT_EQ(bans.list(Bans::Which::all).size(), 1U);
}

TEST_F(BansTest, WithoutEndItLastsUntilItIsLifted) {
  (void)bans.add({net("2001:db8::/48"), 0, ""}).value();
  clock.advance(hours(24 * 400));
  EXPECT_TRUE(bans.turns_away(ip("2001:db8:0:ffff::1")));
  EXPECT_FALSE(bans.turns_away(ip("2001:db8:1::1")));
  EXPECT_EQ(bans.lift(net("2001:db8::/48")).value().lifted, clock.unix_now());
  EXPECT_FALSE(bans.turns_away(ip("2001:db8:0:ffff::1")));
}

TEST_F(BansTest, OwnNetworksAreNeverBanned) {
  EXPECT_EQ(bans.add({net("127.0.0.1"), 0, ""}).error().kind, ErrorKind::invalid);
  EXPECT_EQ(bans.add({net("192.0.2.200"), 0, ""}).error().text.find("192.0.2.200/32 lies in 192.0.2.128/25"), 0U);
  EXPECT_FALSE(bans.punish(net("192.0.2.200"), "guessed", {}));
  EXPECT_FALSE(bans.punish(net("192.0.2.0/24"), "guessed", {})) << "a part of it is ours";
  (void)bans.add({net("192.0.2.0/24"), 0, ""}).value();
  EXPECT_TRUE(bans.turns_away(ip("192.0.2.1")));
  EXPECT_FALSE(bans.turns_away(ip("192.0.2.200")));
  EXPECT_FALSE(bans.find(ip("192.0.2.200")));
  EXPECT_TRUE(bans.is_spared(ip("192.0.2.200")));
  bans.set_rules({});
  EXPECT_TRUE(bans.turns_away(ip("192.0.2.200")));
}

TEST_F(BansTest, RefusesWhatMakesNoSense) {
  EXPECT_EQ(bans.add({net("203.0.113.7"), clock.unix_now() - 1, ""}).error().kind, ErrorKind::invalid);
  EXPECT_EQ(bans.lift(net("203.0.113.7")).error().kind, ErrorKind::not_found);
  (void)bans.add({net("203.0.113.0/24"), 0, ""}).value();
  EXPECT_EQ(bans.lift(net("203.0.113.7")).error().text, "203.0.113.7/32 is not banned; what is banned there is 203.0.113.0/24");
}

TEST_F(BansTest, TheNarrowestIsNamed) {
  (void)bans.add({net("203.0.113.0/24"), 0, "wide"}).value();
  (void)bans.punish(net("203.0.113.7"), "guessed", {});
  EXPECT_EQ(bans.find(ip("203.0.113.7"))->row.reason, "guessed");
  EXPECT_EQ(bans.find(ip("203.0.113.8"))->row.note, "wide");
  EXPECT_EQ(bans.about(ip("203.0.113.7")).size(), 2U);
  EXPECT_FALSE(bans.punish(net("203.0.113.7"), "again", {})) << "it is banned already";
}

TEST_F(BansTest, WhatWasKeptCountsAgain) {
  (void)bans.punish(net("203.0.113.7"), "guessed", {.failures = 50});
  store::BanRow broken;
  broken.network = "no network";
  auto rows = std::vector{bans.list(Bans::Which::all).at(0).row, broken};
  Bans next{rules, clock};
  next.load(rows);
  EXPECT_TRUE(next.turns_away(ip("203.0.113.7")));
  EXPECT_EQ(next.list(Bans::Which::all).size(), 1U);
  clock.advance(hours(2));
  EXPECT_EQ(next.punish(net("203.0.113.7"), "guessed", {})->times, 2U);
}

TEST_F(BansTest, WhatIsLongOverIsForgotten) {
  (void)bans.punish(net("203.0.113.7"), "guessed", {});
  clock.advance(ban_memory + hours(2));
  (void)bans.punish(net("203.0.113.8"), "guessed", {});
  EXPECT_EQ(bans.list(Bans::Which::all).size(), 1U);
}

}  // namespace
}  // namespace postern::auth
