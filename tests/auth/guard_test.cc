// SPDX-License-Identifier: Apache-2.0
#include "auth/guard.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "auth/cache.h"

namespace postern::auth {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

struct GuardTest : ::testing::Test {
  FakeClock clock;
  GuardLimits limits;
  std::unique_ptr<Guard> guard = std::make_unique<Guard>(limits, clock);

  bool may(std::string ip, std::string name = "alice@example.org") { return guard->admit({ip, name}).has_value(); }
  /// False when the attempt was not even admitted.
  bool fail(std::string ip, std::string name, std::string_view password) {
    auto permit = guard->admit({ip, name});
    if (permit) permit->failed(Secret(password));
    return permit.has_value();
  }
  void succeed(std::string ip, std::string name = "alice@example.org") { guard->admit({ip, name})->succeeded(); }
};

// security.md D73: one password over many names from one address.
TEST_F(GuardTest, SprayingStopsAtTheAddressLimit) {
  int admitted = 0;
  for (int i = 0; i < 1000; ++i) admitted += fail("192.0.2.7", fmt::format("user{}@example.org", i), "Summer2026!") ? 1 : 0;
  EXPECT_EQ(admitted, 10);
  EXPECT_TRUE(may("192.0.2.8")) << "another address goes on";
  clock.advance(seconds(61));
  EXPECT_TRUE(may("192.0.2.7"));
}

TEST_F(GuardTest, TheDayHasItsOwnLimit) {
  int admitted = 0;
  for (int i = 0; i < 1000; ++i) {
    admitted += fail("192.0.2.7", fmt::format("user{}@example.org", i), "x") ? 1 : 0;
    clock.advance(seconds(30));
  }
  EXPECT_EQ(admitted, 50);
  clock.advance(hours(24));
  EXPECT_TRUE(may("192.0.2.7"));
}

// D73: one name from many addresses, and the owner is not locked out of the network that he uses.
TEST_F(GuardTest, ManyAddressesStopAtTheAccountLimit) {
  succeed("198.51.100.20");
  int admitted = 0;
  for (int i = 0; i < 1000; ++i) {
    admitted += fail(fmt::format("10.{}.{}.1", i / 250, i % 250), "alice@example.org", fmt::format("guess{}", i)) ? 1 : 0;
  }
  EXPECT_EQ(admitted, 30);
  EXPECT_FALSE(may("203.0.113.1"));
  EXPECT_TRUE(may("198.51.100.99")) << "the same /24";
  EXPECT_TRUE(may("203.0.113.1", "bob@example.org"));
  clock.advance(hours(25));
  EXPECT_TRUE(may("203.0.113.1"));
}

TEST_F(GuardTest, AKnownNetworkHasItsOwnLimit) {
  succeed("198.51.100.20");
  int admitted = 0;
  for (int i = 0; i < 2000; ++i) admitted += fail("198.51.100.20", "alice@example.org", fmt::format("guess{}", i)) ? 1 : 0;
  EXPECT_EQ(admitted, 1000);
  clock.advance(std::chrono::minutes(6));
  EXPECT_TRUE(may("198.51.100.20")) << "never locked out altogether";
  EXPECT_TRUE(fail("198.51.100.20", "alice@example.org", "one more"));
  EXPECT_FALSE(may("198.51.100.20"));
  EXPECT_TRUE(may("198.51.100.20", "bob@example.org")) << "nobody else pays for it";
}

// A device with an old password in the office is no reason to keep a colleague out, or to ban the office.
TEST_F(GuardTest, FailuresInAKnownNetworkCostNobodyElse) {
  succeed("198.51.100.20");
  for (int i = 0; i < 500; ++i) guard->admit({"198.51.100.20", "alice@example.org"})->failed();
  EXPECT_TRUE(may("198.51.100.20", "bob@example.org"));
  EXPECT_EQ(guard->bans().in_force(), 0U);
  EXPECT_EQ(guard->report(*IpAddress::parse("198.51.100.20")).day.used, 0U);
}

TEST_F(GuardTest, NetworksAreForgottenAfterAQuarter) {
  succeed("198.51.100.20");
  for (int i = 0; i < 30; ++i) fail(fmt::format("10.0.{}.1", i), "alice@example.org", fmt::format("guess{}", i));
  EXPECT_TRUE(may("198.51.100.20"));
  clock.advance(hours(24 * 91));
  for (int i = 0; i < 30; ++i) fail(fmt::format("10.1.{}.1", i), "alice@example.org", fmt::format("more{}", i));
  EXPECT_FALSE(may("198.51.100.20"));
}

// D74
TEST_F(GuardTest, TheSameWrongPasswordCountsOnce) {
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(fail("192.0.2.7", "alice@example.org", "old password")) << i;
  auto permit = guard->admit({"192.0.2.7", "alice@example.org"});
  EXPECT_TRUE(permit->known_wrong(Secret("old password")));
  EXPECT_FALSE(permit->known_wrong(Secret("other password")));
  auto other = guard->admit({"192.0.2.7", "bob@example.org"});
  EXPECT_FALSE(other->known_wrong(Secret("old password")));
}

TEST_F(GuardTest, AChangedPasswordForgets) {
  fail("192.0.2.7", "alice@example.org", "next password");
  for (int i = 0; i < 40; ++i) fail(fmt::format("10.0.{}.1", i), "alice@example.org", fmt::format("guess{}", i));
  EXPECT_FALSE(may("203.0.113.1"));
  guard->forget("alice@example.org");
  auto permit = guard->admit({"203.0.113.1", "alice@example.org"});
  ASSERT_TRUE(permit);
  EXPECT_FALSE(permit->known_wrong(Secret("next password")));
}

TEST_F(GuardTest, Ipv6CountsBySixtyFour) {
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(fail(fmt::format("2001:db8::{}", i + 1), fmt::format("u{}", i), "x"));
  EXPECT_FALSE(may("2001:db8::ffff"));
  EXPECT_TRUE(may("2001:db8:0:1::1"));
}

TEST_F(GuardTest, MappedAddressesAreIpv4) {
  for (int i = 0; i < 10; ++i) fail("::ffff:192.0.2.7", fmt::format("u{}", i), "x");
  EXPECT_FALSE(may("192.0.2.7"));
}

TEST_F(GuardTest, FailuresWithoutPasswordCountEachTime) {
  for (int i = 0; i < 10; ++i) guard->admit({"192.0.2.7", "alice@example.org"})->failed();
  EXPECT_FALSE(may("192.0.2.7"));
}

TEST_F(GuardTest, ParallelAttemptsAreBounded) {
  std::vector<Guard::Permit> held;
  while (auto permit = guard->admit({"192.0.2.7", "alice@example.org"})) held.push_back(std::move(*permit));
  EXPECT_EQ(held.size(), limits.parallel);
  held.pop_back();
  EXPECT_TRUE(may("192.0.2.7"));
}

TEST_F(GuardTest, TablesAreBounded) {
  limits.table_size = 100;
  guard = std::make_unique<Guard>(limits, clock);
  for (int i = 0; i < 5000; ++i) fail(fmt::format("10.{}.{}.1", i / 250, i % 250), fmt::format("user{}", i), "x");
  EXPECT_LE(guard->size(), 300U);
}

// What was learnt from logins is no prey of a flood of names.
TEST_F(GuardTest, AFloodOfNamesForgetsNoNetwork) {
  limits.table_size = 100;
  guard = std::make_unique<Guard>(limits, clock);
  succeed("198.51.100.20");
  for (int i = 0; i < 500; ++i) fail(fmt::format("10.{}.{}.1", i / 250, i % 250), fmt::format("user{}", i), "x");
  for (int i = 0; i < 40; ++i) fail(fmt::format("10.9.{}.1", i), "alice@example.org", fmt::format("guess{}", i));
  EXPECT_FALSE(may("203.0.113.1"));
  EXPECT_TRUE(may("198.51.100.20"));
}

TEST_F(GuardTest, ANetworkHasABudgetToo) {
  int admitted = 0;
  for (int host = 1; host < 255; ++host) {
    for (int i = 0; i < 5; ++i) admitted += fail(fmt::format("192.0.2.{}", host), fmt::format("u{}-{}", host, i), "x") ? 1 : 0;
  }
  EXPECT_EQ(admitted, 200);
  EXPECT_TRUE(may("192.0.3.1"));
}

// Many at once get no more than one after the other.
TEST_F(GuardTest, AttemptsUnderWayCountAsFailures) {
  std::vector<Guard::Permit> held;
  for (int i = 0; i < 100; ++i) {
    if (auto permit = guard->admit({fmt::format("10.0.{}.1", i), "alice@example.org"})) held.push_back(std::move(*permit));
  }
  EXPECT_EQ(held.size(), 30U);
  held.clear();
  EXPECT_TRUE(may("203.0.113.1")) << "they ended without a failure";
}

struct BanningTest : GuardTest {
  /// Uses up the day's budget of an address and goes on.
  void hammer(const std::string& ip, int times = 200) {
    for (int i = 0; i < times; ++i) {
      fail(ip, fmt::format("user{}@example.org", i % 20), fmt::format("guess{}", ++guesses));
      clock.advance(seconds(10));
    }
  }
  int guesses = 0;
  bool banned(const std::string& ip) { return guard->bans().find(*IpAddress::parse(ip)).has_value(); }
};

TEST_F(BanningTest, WhoGoesOnIsBannedWithEvidence) {
  std::vector<store::BanRow> heard;
  guard->on_ban([&](const store::BanRow& ban) { heard.push_back(ban); });
  hammer("192.0.2.7", 50);
  EXPECT_FALSE(banned("192.0.2.7")) << "the budget is used up, no more";
  hammer("192.0.2.7", 100);
  ASSERT_TRUE(banned("192.0.2.7"));
  EXPECT_FALSE(banned("192.0.2.8"));
  ASSERT_EQ(heard.size(), 1U);
  const auto& ban = heard.front();
  EXPECT_EQ(ban.network, "192.0.2.7/32");
  EXPECT_EQ(ban.until - ban.since, 3600);
  EXPECT_EQ(ban.reason, "50 failed logins in a day, and went on");
  EXPECT_EQ(ban.evidence.failures, 50U);
  EXPECT_EQ(ban.evidence.refused, 10U);
  EXPECT_EQ(ban.evidence.imap, 60U);
  EXPECT_EQ(ban.evidence.names.size(), 10U);
  EXPECT_EQ(ban.evidence.names.front(), "user0@example.org");
  EXPECT_GT(ban.evidence.more_names, 0U);
}

TEST_F(BanningTest, EachBanIsLongerThanTheLast) {
  std::vector<UnixTime> lengths;
  guard->on_ban([&](const store::BanRow& ban) { lengths.push_back(ban.until - ban.since); });
  for (int i = 0; i < 6; ++i) {
    hammer("192.0.2.7");
    clock.advance(hours(8 * 24));
  }
  EXPECT_EQ(lengths, (std::vector<UnixTime>{3600, 4 * 3600, 16 * 3600, 64 * 3600, 7 * 86'400, 7 * 86'400}));
  clock.advance(ban_memory + hours(24 * 8));
  hammer("192.0.2.7");
  EXPECT_EQ(lengths.back(), 3600) << "forgotten";
}

TEST_F(BanningTest, ANetworkThatAnAccountKnowsIsNotBanned) {
  succeed("192.0.2.99", "bob@example.org");
  hammer("192.0.2.7", 500);
  EXPECT_FALSE(banned("192.0.2.7"));
  EXPECT_FALSE(may("192.0.2.7")) << "but gets no more tries";
  EXPECT_TRUE(may("192.0.2.7", "bob@example.org"));
}

TEST_F(BanningTest, ManyAddressesOfANetworkBanIt) {
  for (int round = 0; round < 30; ++round) {
    for (int host = 1; host < 100; ++host) fail(fmt::format("192.0.2.{}", host), fmt::format("u{}-{}", round, host), "x");
  }
  EXPECT_TRUE(banned("192.0.2.200"));
  EXPECT_FALSE(banned("192.0.3.1"));
}

TEST_F(BanningTest, OwnNetworksAndAZeroLengthBanNobody) {
  limits.bans.never = {*IpNetwork::parse("192.0.2.0/28")};
  guard->set_limits(limits);
  hammer("192.0.2.7");
  EXPECT_FALSE(banned("192.0.2.7"));
  limits.bans = {.first = seconds(0)};
  guard->set_limits(limits);
  hammer("203.0.113.7");
  EXPECT_FALSE(banned("203.0.113.7"));
}

TEST_F(BanningTest, AnOpenConnectionIsStoppedButNotTheOwner) {
  succeed("198.51.100.20");
  (void)guard->bans().add({*IpNetwork::parse("198.51.100.0/24"), 0, "a mistake"}).value();
  EXPECT_EQ(guard->admit({"198.51.100.20", "bob@example.org"}).error(), Stop::banned);
  EXPECT_TRUE(may("198.51.100.20")) << "alice is known there; the listener decides about new connections";
}

// Names that are not ours may be passwords that somebody typed in the wrong place.
TEST_F(BanningTest, NoForeignNameIsKept) {
  for (int i = 0; i < 200; ++i) {
    if (auto permit = guard->admit({"192.0.2.7", fmt::format("hunter{}", i % 10), Protocol::pop3, false}))
      permit->failed(Secret(std::to_string(i)));
    clock.advance(seconds(10));
  }
  const auto kept = guard->collect();
  ASSERT_EQ(kept.bans.size(), 1U);
  EXPECT_TRUE(kept.bans[0].evidence.names.empty());
  EXPECT_EQ(kept.bans[0].evidence.foreign_names, 60U);
  for (const auto& tally : kept.tallies) EXPECT_EQ(tally.key.find("hunter"), std::string::npos);
}

/// Another process with what this one had kept.
struct RestartTest : BanningTest {
  void restart() {
    store::GuardMemory memory;
    auto changes = guard->collect();
    memory.bans = std::move(changes.bans);
    memory.tallies = std::move(changes.tallies);
    guard = std::make_unique<Guard>(limits, clock);
    guard->learn("alice@example.org", {1, "198.51.100.0/24", 1, clock.unix_now()});
    guard->load(memory);
  }
};

TEST_F(RestartTest, BudgetsAndBansOutliveIt) {
  hammer("192.0.2.7");
  for (int i = 0; i < 30; ++i) fail(fmt::format("10.0.{}.1", i), "bob@example.org", fmt::format("guess{}", i));
  clock.advance(hours(1));
  restart();
  EXPECT_FALSE(may("192.0.2.7"));
  ASSERT_EQ(guard->bans().list(Bans::Which::all).size(), 1U);
  EXPECT_FALSE(may("203.0.113.1", "bob@example.org"));
  EXPECT_TRUE(may("203.0.113.1", "carol@example.org"));
  clock.advance(hours(24));
  EXPECT_TRUE(may("192.0.2.7")) << "the day began before the restart";
  EXPECT_TRUE(may("203.0.113.1", "bob@example.org"));
}

TEST_F(RestartTest, KnownNetworksOutliveItWithTheirBudget) {
  succeed("198.51.100.20");
  for (int i = 0; i < 1000; ++i) fail("198.51.100.20", "alice@example.org", fmt::format("guess{}", i));
  for (int i = 0; i < 40; ++i) fail(fmt::format("10.0.{}.1", i), "alice@example.org", fmt::format("more{}", i));
  restart();
  EXPECT_EQ(guard->report("alice@example.org").known_networks.at(0).used, 1000U);
  EXPECT_FALSE(may("203.0.113.1"));
  clock.advance(std::chrono::minutes(6));
  EXPECT_TRUE(may("198.51.100.20"));
}

TEST_F(RestartTest, OnlyChangesAreCollectedAndAPardonForgets) {
  fail("192.0.2.7", "bob@example.org", "x");
  EXPECT_EQ(guard->collect().tallies.size(), 3U) << "address, network, account";
  EXPECT_TRUE(guard->collect().tallies.empty());
  guard->pardon(*IpNetwork::parse("192.0.2.7"));
  const auto gone = guard->collect().forgotten;
  ASSERT_EQ(gone.size(), 2U);
  EXPECT_EQ(gone[0].key, "192.0.2.7");
  EXPECT_EQ(gone[1].key, "192.0.2.0/24");
  EXPECT_EQ(guard->report(*IpAddress::parse("192.0.2.7")).day.used, 0U);
}

TEST_F(RestartTest, AClockSetBackIsNoTrap) {
  fail("192.0.2.7", "bob@example.org", "x");
  clock.jump_wall(-hours(24 * 365));
  restart();
  EXPECT_EQ(guard->report(*IpAddress::parse("192.0.2.7")).day.used, 1U);
  clock.advance(hours(25));
  EXPECT_EQ(guard->report(*IpAddress::parse("192.0.2.7")).day.used, 0U);
}

// security.md R13, on the guard alone: a verifier sees at most 50 of a source and 30 of an account in a day.
TEST_F(GuardTest, AHundredThousandGuessesFromAThousandSources) {
  constexpr int sources = 1000;
  constexpr int guesses = 100'000;
  constexpr int accounts = 200;
  const auto account = [](int i) { return fmt::format("user{}@example.org", i); };
  for (int i = 0; i < accounts; ++i) succeed(fmt::format("198.51.{}.7", i % 100), account(i));
  std::map<std::string, int> of_source;
  std::map<std::string, std::set<std::string>> of_account;
  int refused_owners = 0;
  for (int i = 0; i < guesses; ++i) {
    const auto source = fmt::format("10.{}.{}.9", (i % sources) / 250, i % sources % 250);
    const auto name = account((i / 7) % accounts);
    const auto password = fmt::format("password{}", i / 3);
    if (fail(source, name, password)) {
      ++of_source[source];
      of_account[name].insert(password);
    }
    if (i % 50 == 0) refused_owners += may(fmt::format("198.51.{}.{}", i / 50 % 100, i % 250), account(i / 50 % 100)) ? 0 : 1;
    clock.advance(std::chrono::milliseconds(800));  // all within a day
  }
  for (const auto& [source, tries] : of_source) EXPECT_LE(tries, 50) << source;
  for (const auto& [name, passwords] : of_account) EXPECT_LE(passwords.size(), 30U) << name;
  EXPECT_EQ(refused_owners, 0);
  EXPECT_EQ(of_account.size(), static_cast<std::size_t>(accounts));
}

TEST_F(GuardTest, TextThatIsNoAddressIsOneCustomer) {
  for (int i = 0; i < 10; ++i) fail("unix", fmt::format("u{}", i), "x");
  EXPECT_FALSE(may("unix"));
}

struct CacheTest : ::testing::Test {
  FakeClock clock;
  Cache cache{seconds(600), 3, clock};
};

store::CredentialRow credential(store::CredentialId id) {
  store::CredentialRow row;
  row.id = id;
  row.kind = "password";
  return row;
}

TEST_F(CacheTest, RemembersForItsTime) {
  cache.put(1, Secret("right"), credential(7), cache.generation());
  EXPECT_EQ(cache.find(1, Secret("right")), credential(7));
  EXPECT_FALSE(cache.find(1, Secret("wrong")));
  EXPECT_FALSE(cache.find(2, Secret("right")));
  clock.advance(seconds(599));
  EXPECT_TRUE(cache.find(1, Secret("right")));
  clock.advance(seconds(1));
  EXPECT_FALSE(cache.find(1, Secret("right")));
}

TEST_F(CacheTest, DropsAndRefusesWhatWasProvenBefore) {
  const auto before = cache.generation();
  cache.put(1, Secret("old"), credential(7), before);
  cache.drop(1);
  EXPECT_FALSE(cache.find(1, Secret("old")));
  cache.put(1, Secret("old"), credential(7), before);
  EXPECT_FALSE(cache.find(1, Secret("old"))) << "a check that began before the change ends after it";
}

TEST_F(CacheTest, IsBounded) {
  for (mail::AccountId id = 1; id <= 10; ++id) cache.put(id, Secret("right"), credential(7), cache.generation());
  int found = 0;
  for (mail::AccountId id = 1; id <= 10; ++id) found += cache.find(id, Secret("right")) ? 1 : 0;
  EXPECT_EQ(found, 3);
}

TEST_F(CacheTest, KeepsSomePasswordsOfAnAccountAndNoVerifier) {
  for (store::CredentialId id = 1; id <= 9; ++id) {
    auto row = credential(id);
    row.sealed = "verifier";
    cache.put(1, Secret("device " + std::to_string(id)), row, cache.generation());
  }
  EXPECT_FALSE(cache.find(1, Secret("device 1"))) << "the oldest";
  for (store::CredentialId id = 2; id <= 9; ++id) {
    EXPECT_EQ(cache.find(1, Secret("device " + std::to_string(id))), credential(id)) << "without its verifier";
  }
}

}  // namespace
}  // namespace postern::auth
