// SPDX-License-Identifier: Apache-2.0
#include "auth/guard.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

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
  for (int i = 0; i < 500; ++i) admitted += fail("198.51.100.20", "alice@example.org", fmt::format("guess{}", i)) ? 1 : 0;
  EXPECT_EQ(admitted, 100);
}

TEST_F(GuardTest, NetworksAreForgottenAfterAMonth) {
  succeed("198.51.100.20");
  for (int i = 0; i < 30; ++i) fail(fmt::format("10.0.{}.1", i), "alice@example.org", fmt::format("guess{}", i));
  EXPECT_TRUE(may("198.51.100.20"));
  clock.advance(hours(24 * 31));
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
  EXPECT_LE(guard->size(), 200U);
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
