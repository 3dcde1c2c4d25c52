// SPDX-License-Identifier: Apache-2.0
// The guard behind the whole service: what it learns is in the ledger and comes back at the next start.
#include <gtest/gtest.h>

#include "store/memory/ledger.h"
#include "tests/auth/fixture.h"

namespace postern::auth {
namespace {

using testing::House;
using testing::right_password;
using testing::ScramClient;

struct GuardedHouse : ::testing::Test {
  GuardedHouse() { restart(); }
  /// Another service over the same data.
  void restart() {
    if (house.office) house.office->finish();
    house.office.reset();
    house.service.reset();
    DeskParts parts{house.credentials, house.directory, testing::sasl_library(), house.clock,
                    house.log,         house.metrics,   &ledger->guard()};
    auto front = async::run_alone(make_front(parts, house.settings)).value();
    house.office = std::move(front.office);
    house.service = std::move(front.service);
  }
  std::optional<Refusal> wrong(const std::string& ip, const std::string& user = "alice@example.org") {
    return house.login(user, "wrong " + std::to_string(++guesses), House::from(ip)).refusal;
  }
  bool right(const std::string& ip) {
    return house.login("alice@example.org", right_password, House::from(ip)).login.has_value();
  }
  bool logged(std::string_view text) const {
    return std::ranges::any_of(house.lines, [&](const auto& line) { return line.find(text) != std::string::npos; });
  }
  bool banned(const char* ip) { return house.office->bans().turns_away(*IpAddress::parse(ip)); }

  std::unique_ptr<store::Ledger> ledger = store::memory::make_ledger();
  House house;
  int guesses = 0;
};

TEST_F(GuardedHouse, BudgetsBansAndKnownNetworksOutliveARestart) {
  ASSERT_TRUE(right("198.51.100.20"));
  for (int i = 0; i < 70; ++i) {
    wrong("192.0.2.7", "user" + std::to_string(i % 10) + "@example.org");
    house.clock.advance(std::chrono::seconds(10));
  }
  for (int i = 0; i < 40; ++i) wrong("10.0." + std::to_string(i) + ".1");
  EXPECT_TRUE(banned("192.0.2.7"));
  EXPECT_TRUE(logged("banned"));
  restart();
  EXPECT_TRUE(banned("192.0.2.7"));
  EXPECT_EQ(wrong("192.0.2.7", "bob@example.org"), Refusal::throttled);
  EXPECT_EQ(wrong("203.0.113.1"), Refusal::throttled) << "the account's budget";
  EXPECT_TRUE(right("198.51.100.99")) << "the owner, from the network that he uses";
  EXPECT_NE(house.metrics.exposition().find("postern_bans_total 1"), std::string::npos);
  EXPECT_NE(house.metrics.exposition().find("postern_logins_stopped_total{budget=\"account_day\"}"), std::string::npos);
}

TEST_F(GuardedHouse, NetworksAreKnownAlsoWithoutARecord) {
  house.settings.record.life = std::chrono::seconds(0);
  restart();
  ASSERT_TRUE(right("198.51.100.20"));
  restart();
  for (int i = 0; i < 40; ++i) wrong("10.0." + std::to_string(i) + ".1");
  EXPECT_FALSE(right("203.0.113.1"));
  EXPECT_TRUE(right("198.51.100.20"));
}

TEST_F(GuardedHouse, ARemovedAccountLeavesNoNetwork) {
  ASSERT_TRUE(right("198.51.100.20"));
  ASSERT_TRUE(async::run_alone(house.office->forget_account(*house.directory.account(house.alice))).has_value());
  EXPECT_TRUE(house.office->bans().explain(*IpAddress::parse("198.51.100.20")).known_to.empty());
}

TEST_F(GuardedHouse, TheLogSaysWhichBudgetAndNoPassword) {
  for (int i = 0; i < 12; ++i) wrong("192.0.2.7");
  EXPECT_TRUE(logged("too many failures of this address in a minute"));
  EXPECT_FALSE(logged("wrong 1 ")) << "a guess";
}

// Exchanges begun together are judged one by one.
TEST_F(GuardedHouse, ScramFailuresCountOnTheSameBudgets) {
  int looked_at = 0;
  for (int i = 0; i < 40; ++i) {
    ScramClient client;
    client.password = "wrong";
    auto exchange = house.service->begin(House::from("192.0.2.7"));
    const auto first = async::run_alone(exchange->start("SCRAM-SHA-256", base64_encode(client.first())));
    if (first.refusal) continue;
    const auto last = async::run_alone(exchange->step(base64_encode(client.final_message(first.challenge))));
    looked_at += last.refusal == Refusal::bad_credentials ? 1 : 0;
    house.clock.advance(std::chrono::seconds(10));
  }
  EXPECT_EQ(looked_at, 30) << "the account's budget";
}

}  // namespace
}  // namespace postern::auth
