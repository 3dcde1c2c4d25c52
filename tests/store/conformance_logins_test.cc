// SPDX-License-Identifier: Apache-2.0
// Rules of app passwords as stored, the record of logins, known networks and the policy, on both stores.
#include "store/credentials.h"
#include "tests/store/conformance.h"

namespace postern::store::test {

namespace {

constexpr UnixTime noon = 1'800'000'000;
constexpr UnixTime day = 86'400;

class LoginsTest : public Conformance {
 protected:
  Credentials& credentials() { return store_->credentials(); }

  LoginRow login(AccountId account, UnixTime at, std::string outcome = "success", std::string network = "192.0.2.0/24") {
    LoginRow row;
    row.account = account;
    row.at = at;
    row.name = account == 0 ? "nobody@example.org" : "somebody";
    row.protocol = "imap";
    row.ip = "192.0.2.7";
    row.label = "password";
    row.mechanism = "PLAIN";
    row.outcome = std::move(outcome);
    row.reason = "a reason";
    if (row.outcome == "success") row.network = std::move(network);
    return row;
  }
  std::vector<NewNetwork> record(std::vector<LoginRow> rows, LoginRetention keep = {}) {
    return must(credentials().record_logins(std::move(rows), keep));
  }
  std::vector<UnixTime> times(LoginQuery query) {
    std::vector<UnixTime> out;
    for (const auto& row : must(credentials().logins(query))) out.push_back(row.at);
    return out;
  }
};

TEST_P(LoginsTest, KeepsWhatACredentialMayBeUsedFor) {
  CredentialRow row{0, alice_, "app", "phone", "sealed", 42, "imap,submission", "192.0.2.0/24,2001:db8::/32", noon, {}};
  row.id = must(credentials().add(row));
  EXPECT_EQ(must(credentials().get(alice_)), (std::vector<CredentialRow>{row}));
}

TEST_P(LoginsTest, ASuccessIsTheLastUseOfItsCredential) {
  const auto id = must(credentials().add({0, alice_, "app", "phone", "sealed", 42}));
  auto used = login(alice_, noon);
  used.credential = id;
  auto earlier = login(alice_, noon - 5);
  earlier.credential = id;
  auto failed = login(alice_, noon + 5, "bad_credentials");
  failed.credential = id;
  auto of_another = login(bob_, noon + 6);
  of_another.credential = id;
  record({used, earlier, failed, of_another});
  EXPECT_EQ(must(credentials().get(alice_)).at(0).last, (CredentialUse{noon, "192.0.2.7", "imap"}));
}

TEST_P(LoginsTest, ReplacesOnlyWhatWasRead) {
  const auto id = must(credentials().set_password({0, alice_, "password", "", "imported", 1}));
  auto row = must(credentials().get(alice_)).at(0);
  must(credentials().replace_sealed(row, "ours"));
  auto now = must(credentials().get(alice_)).at(0);
  EXPECT_EQ(now.sealed, "ours");
  EXPECT_EQ(now.id, id) << "the same credential";
  EXPECT_TRUE(must(credentials().history(alice_, 9)).empty()) << "the same password";
  EXPECT_EQ(error_of(credentials().replace_sealed(row, "late")), ErrorKind::conflict);
  now.account = bob_;
  EXPECT_EQ(error_of(credentials().replace_sealed(now, "of another")), ErrorKind::conflict);
}

TEST_P(LoginsTest, RowsComeBackNewestFirstAndFiltered) {
  auto mine = login(alice_, noon);
  record({mine, login(alice_, noon + 1, "bad_credentials"), login(bob_, noon + 2), login(0, noon + 3, "bad_credentials")});
  mine.network.clear();
  EXPECT_EQ(must(credentials().logins({.account = alice_})).at(1), mine);
  EXPECT_EQ(times({}), (std::vector<UnixTime>{noon + 3, noon + 2, noon + 1, noon}));
  EXPECT_EQ(times({.failed_only = true}), (std::vector<UnixTime>{noon + 3, noon + 1}));
  EXPECT_EQ(times({.account = alice_, .failed_only = true}), (std::vector<UnixTime>{noon + 1}));
  EXPECT_EQ(times({.account = AccountId{0}}), (std::vector<UnixTime>{noon + 3})) << "attempts with names of nobody";
  EXPECT_EQ(times({.since = noon + 2}), (std::vector<UnixTime>{noon + 3, noon + 2}));
  EXPECT_EQ(times({.most = 1}), (std::vector<UnixTime>{noon + 3}));
}

TEST_P(LoginsTest, AFloodOfFailuresPushesOutNoSuccess) {
  record({login(alice_, noon), login(bob_, noon, "bad_credentials")});
  std::vector<LoginRow> flood;
  for (int i = 1; i <= 20; ++i) flood.push_back(login(alice_, noon + i, "bad_credentials"));
  record(flood, {.rows = 5});
  EXPECT_EQ(times({.account = alice_}), (std::vector<UnixTime>{noon + 20, noon + 19, noon + 18, noon + 17, noon + 16, noon}));
  EXPECT_EQ(times({.account = bob_}), (std::vector<UnixTime>{noon}));
}

TEST_P(LoginsTest, OldRowsGo) {
  record({login(alice_, noon), login(0, noon, "bad_credentials")});
  record({login(bob_, noon + 2 * day)}, {.oldest = noon + day});
  EXPECT_EQ(times({}), (std::vector<UnixTime>{noon + 2 * day}));
}

TEST_P(LoginsTest, TellsNewNetworks) {
  const auto first = record({login(alice_, noon), login(alice_, noon + 1), login(alice_, noon + 2, "success", "198.51.100.0/24"),
                             login(alice_, noon + 3, "bad_credentials"), login(bob_, noon + 4, "success", "")});
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].row, 0U);
  EXPECT_TRUE(first[0].first_of_all);
  EXPECT_EQ(first[1].row, 2U);
  EXPECT_FALSE(first[1].first_of_all);
  EXPECT_EQ(first[1].in_a_day, 2U);
  const auto next_day = record({login(alice_, noon + 2 * day, "success", "203.0.113.0/24")});
  ASSERT_EQ(next_day.size(), 1U);
  EXPECT_EQ(next_day[0].in_a_day, 1U);
  const std::vector<KnownNetwork> expected{{alice_, "203.0.113.0/24", noon + 2 * day, noon + 2 * day},
                                           {alice_, "198.51.100.0/24", noon + 2, noon + 2},
                                           {alice_, "192.0.2.0/24", noon, noon + 1}};
  EXPECT_EQ(must(credentials().known_networks(alice_)), expected);
  EXPECT_TRUE(must(credentials().known_networks(bob_)).empty());
}

TEST_P(LoginsTest, TheNetworkUsedLongestAgoIsForgotten) {
  record({login(alice_, noon, "success", "n1"), login(alice_, noon + 1, "success", "n2"),
          login(alice_, noon + 2, "success", "n1"), login(alice_, noon + 3, "success", "n3")},
         {.networks = 2});
  std::vector<std::string> names;
  for (const auto& one : must(credentials().known_networks(std::nullopt))) names.push_back(one.network);
  EXPECT_EQ(names, (std::vector<std::string>{"n3", "n1"}));
}

TEST_P(LoginsTest, ANetworkIsLearntByItselfToo) {
  must(credentials().add_known_network({alice_, "n", noon, noon}));
  must(credentials().add_known_network({alice_, "n", noon + 9, noon + 9}));
  EXPECT_EQ(must(credentials().known_networks(alice_)), (std::vector<KnownNetwork>{{alice_, "n", noon, noon + 9}}));
}

TEST_P(LoginsTest, PolicyIsReadWithTheCredentials) {
  EXPECT_EQ(must(credentials().policy(alice_)), LoginPolicy{});
  must(credentials().set_policy(alice_, {.app_passwords_only = true}));
  EXPECT_TRUE(must(credentials().policy(alice_)).app_passwords_only);
  EXPECT_TRUE(credentials().get_now(alice_).value().policy.app_passwords_only);
  EXPECT_FALSE(credentials().get_now(bob_).value().policy.app_passwords_only);
}

TEST_P(LoginsTest, WhatAnAccountLeavesBehind) {
  must(credentials().set_policy(alice_, {.app_passwords_only = true}));
  record({login(alice_, noon)});
  EXPECT_EQ(must(credentials().owners()), (std::vector<AccountId>{alice_}));
  must(credentials().remove_all(alice_));
  EXPECT_FALSE(must(credentials().policy(alice_)).app_passwords_only);
  EXPECT_TRUE(must(credentials().known_networks(alice_)).empty());
  EXPECT_TRUE(must(credentials().owners()).empty());
  EXPECT_EQ(times({.account = alice_}), (std::vector<UnixTime>{noon})) << "the record stays until it is old";
}

POSTERN_CONFORMANCE(LoginsTest);

}  // namespace

}  // namespace postern::store::test
