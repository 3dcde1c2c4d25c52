// SPDX-License-Identifier: Apache-2.0
// What logins leave behind: the record, hashes made anew, the word about a new network; and that no login waits for any of it.
#include <gtest/gtest.h>

#include <thread>

#include "base/encoding.h"
#include "tests/auth/fixture.h"

namespace postern::auth {
namespace {

using testing::House;
using testing::plain_message;
using testing::right_password;
using testing::ScramClient;
using testing::wrong_password;

const std::string alice = "alice@example.org";

struct RecordTest : ::testing::Test {
  std::vector<store::LoginRow> rows(store::LoginQuery query = {}) {
    return async::run_alone(house.office->logins(query)).value();
  }
  store::CredentialRow password_row(store::AccountId account) {
    rows();  // settled
    return async::run_alone(house.credentials.get(account)).value().at(0);
  }
  /// Counts what is told.
  void listen() {
    house.office->on_new_network([this](NewNetworkLogin login) -> async::Task<Result<>> { return note(std::move(login)); });
  }
  async::Task<Result<>> note(NewNetworkLogin login) {
    told.push_back(std::move(login));
    co_return Result<>();
  }

  House house;
  std::vector<NewNetworkLogin> told;
};

TEST_F(RecordTest, TellsWhoCameWhenFromWhereWithWhat) {
  const auto phone = async::run_alone(house.office->add_app_password(house.alice, {.label = "phone"})).value();
  house.login("Alice@Example.ORG", phone.password.reveal(), {Protocol::pop3, "198.51.100.9", true, {}});
  house.login(alice, wrong_password);
  house.exchange("PLAIN", {plain_message("", "carol@example.org", right_password)});
  const auto all = rows();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[2].account, house.alice);
  EXPECT_EQ(all[2].at, house.clock.unix_now());
  EXPECT_EQ(all[2].name, alice);
  EXPECT_EQ(all[2].protocol, "pop3");
  EXPECT_EQ(all[2].ip, "198.51.100.9");
  EXPECT_EQ(all[2].credential, phone.id);
  EXPECT_EQ(all[2].label, "phone");
  EXPECT_EQ(all[2].outcome, "success");
  EXPECT_EQ(all[1].outcome, "bad_credentials");
  EXPECT_EQ(all[1].reason, "wrong password");
  EXPECT_EQ(all[1].mechanism, "password");
  EXPECT_EQ(all[0].name, "carol@example.org");
  EXPECT_EQ(all[0].mechanism, "PLAIN");
  EXPECT_EQ(all[0].reason, "disabled");
  EXPECT_EQ(rows({.account = house.alice, .failed_only = true}).size(), 1U);
  const auto listed = async::run_alone(house.office->app_passwords(house.alice)).value();
  EXPECT_EQ(listed[0].last, (store::CredentialUse{house.clock.unix_now(), "198.51.100.9", "pop3"}));
}

// People type passwords where a name belongs.
TEST_F(RecordTest, KeepsNoNameThatIsNotOneOfOurs) {
  house.login("nobody@example.org", "x");
  house.login("correct horse battery staple", "x");
  house.login("alice@elsewhere.example", "x");
  const auto all = rows({.account = store::AccountId{0}});
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[2].name, "nobody@example.org");
  EXPECT_EQ(all[1].name, "");
  EXPECT_EQ(all[0].name, "");
}

TEST_F(RecordTest, AFailureOfOursIsNotRecorded) {
  house.credentials.broken = Error{ErrorKind::io, "disk on fire"};
  EXPECT_EQ(house.login(alice, right_password).refusal, Refusal::unavailable);
  house.credentials.broken.reset();
  house.exchange("PLAIN", {"!"});
  EXPECT_TRUE(rows().empty());
}

TEST_F(RecordTest, CanBeSwitchedOff) {
  auto settings = House::all_mechanisms();
  settings.record.life = std::chrono::seconds(0);
  House quiet(settings);
  quiet.login(alice, right_password);
  EXPECT_TRUE(async::run_alone(quiet.office->logins({})).value().empty());
}

TEST_F(RecordTest, OldAndManyRowsGo) {
  auto settings = House::all_mechanisms();
  settings.record = {.life = std::chrono::hours(24), .rows = 2, .new_network_mail = false};
  House small(settings);
  for (int i = 0; i < 4; ++i) {
    small.clock.advance(std::chrono::hours(10));
    small.login(alice, right_password);
    async::run_alone(small.office->logins({})).value();
  }
  EXPECT_EQ(async::run_alone(small.office->logins({})).value().size(), 2U);
  small.clock.advance(std::chrono::hours(48));
  small.login(alice, right_password);
  EXPECT_EQ(async::run_alone(small.office->logins({})).value().size(), 1U);
}

// The store may hang: whoever logs in does not.
TEST_F(RecordTest, NoLoginWaitsForTheRecord) {
  house.credentials.record_gate.lock();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(house.login(alice, right_password).login);
  house.credentials.record_gate.unlock();
  EXPECT_EQ(rows().size(), 20U) << "all of it is written when it can be";
}

// Each transaction of the record costs a sync, which deliveries beside it wait for.
TEST_F(RecordTest, LoginsOfAMomentAreWrittenTogether) {
  const std::chrono::hours long_time(1);
  Backroom room({house.credentials, house.clock, house.log, house.metrics, [] { return RecordRules(); }, {}, long_time});
  for (int i = 0; i < 20; ++i) {
    room.record({.at = house.clock.unix_now(), .outcome = "bad_credentials"});
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // time enough to write each on its own
  }
  room.settle();
  EXPECT_EQ(async::run_alone(house.credentials.logins({.most = 100})).value().size(), 20U);
  EXPECT_EQ(house.credentials.record_batches, 1U);
}

TEST_F(RecordTest, WhatWaitsIsBounded) {
  Backroom room({house.credentials, house.clock, house.log, house.metrics, [] { return RecordRules(); }, {}});
  house.credentials.record_gate.lock();
  for (std::size_t i = 0; i < 2 * Backroom::max_rows; ++i)
    room.record({.at = house.clock.unix_now(), .outcome = "bad_credentials"});
  std::size_t jobs = 0;
  for (std::size_t i = 0; i < 2 * Backroom::max_jobs; ++i) jobs += room.run(std::to_string(i), [] {}) ? 1 : 0;
  EXPECT_FALSE(room.run("0", [] {})) << "once is enough";
  house.credentials.record_gate.unlock();
  room.settle();
  EXPECT_LE(jobs, Backroom::max_jobs);
  EXPECT_GE(jobs, Backroom::max_jobs / 2);
  const auto kept = async::run_alone(house.credentials.logins({.most = 4 * Backroom::max_rows})).value().size();
  EXPECT_GE(kept, 1000U);
  EXPECT_LE(kept, 1001U) << "the record's own bound";
  room.finish();
  room.record({.name = "late"});
  EXPECT_FALSE(room.run("late", [] {}));
}

TEST_F(RecordTest, AnImportedHashBecomesOursAtTheFirstLogin) {
  const std::string hash =
      "{SHA512-CRYPT}$6$saltsaltsalt$VO0eqLriSInggNXaIxKsR2ADYCXYkrCTrbRTUNdi1auRhRfK8WU2/4xC2cjhqYLE2BgVImHwX3wtUmyqkjTf50";
  const std::string password = "imported: pass w\u00f6rd";
  ASSERT_TRUE(async::run_alone(house.office->set_imported(house.bob, hash)));
  ScramClient client;
  client.user = "bob@example.org";
  client.password = password;
  const auto scram = [&] {
    auto exchange = house.service->begin(House::from());
    auto step = async::run_alone(exchange->start("SCRAM-SHA-256", base64_encode(client.first())));
    return async::run_alone(exchange->step(base64_encode(client.final_message(step.challenge))));
  };
  EXPECT_EQ(scram().refusal, Refusal::bad_credentials) << "nobody knows its SCRAM keys yet";
  EXPECT_EQ(house.login(client.user, wrong_password).refusal, Refusal::bad_credentials);
  const auto before = password_row(house.bob);
  ASSERT_TRUE(house.login(client.user, password).login);
  const auto after = password_row(house.bob);
  EXPECT_EQ(after.id, before.id) << "sessions and record go on";
  EXPECT_NE(after.sealed, before.sealed);
  EXPECT_FALSE(scram().refusal);
  EXPECT_TRUE(house.login(client.user, password).login);
  house.login(client.user, password);
  EXPECT_EQ(password_row(house.bob).sealed, after.sealed) << "once";
}

TEST_F(RecordTest, AnImportedHashThatIsDamagedOrTooCostlyIsRefused) {
  EXPECT_EQ(async::run_alone(house.office->set_imported(house.bob, "{PLAIN}x")).error().kind, ErrorKind::unsupported);
  EXPECT_EQ(async::run_alone(house.office->set_imported(house.bob, "{BLF-CRYPT}$2y$31$" + std::string(53, 'a'))).error().kind,
            ErrorKind::limit);
  EXPECT_TRUE(async::run_alone(house.credentials.get(house.bob)).value().empty());
}

TEST_F(RecordTest, AnotherCostIsTakenOverAtTheNextLogin) {
  const auto before = password_row(house.alice);
  auto settings = house.settings;
  house.service.reset();
  house.office.reset();
  settings.cost.argon2_ops += 1;
  auto front = async::run_alone(make_front({house.credentials, house.directory, testing::sasl_library(), house.clock, house.log,
                                            house.metrics},
                                           settings))
                   .value();
  house.service = std::move(front.service);
  house.office = std::move(front.office);
  ASSERT_TRUE(house.login(alice, right_password).login);
  const auto after = password_row(house.alice);
  EXPECT_NE(after.sealed, before.sealed);
  EXPECT_TRUE(house.login(alice, right_password, House::from("192.0.2.9")).login);
}

TEST_F(RecordTest, ANewNetworkIsToldOnceAndTheFirstOfAllNever) {
  listen();
  for (const auto* ip : {"192.0.2.1", "192.0.2.99", "198.51.100.1", "198.51.100.2", "2001:db8:0:1::1", "2001:db8:0:2::1"}) {
    house.login(alice, right_password, House::from(ip));
  }
  rows();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].login, alice);
  EXPECT_EQ(told[0].row.network, "198.51.100.0/24");
  EXPECT_EQ(told[1].row.network, "2001:db8::/48");
}

TEST_F(RecordTest, InnerNetworksAreNoNewsAndThreeADayAreEnough) {
  listen();
  house.login(alice, right_password);
  for (const auto* ip : {"127.0.0.1", "10.1.2.3", "192.168.7.7", "172.16.0.1", "100.64.1.1", "::1", "fd00::1", "fe80::1"}) {
    house.login(alice, right_password, House::from(ip));
  }
  rows();
  EXPECT_TRUE(told.empty());
  house.clock.advance(std::chrono::hours(25));
  for (int i = 1; i <= 9; ++i) house.login(alice, right_password, House::from(fmt::format("203.0.{}.1", i)));
  rows();
  EXPECT_EQ(told.size(), 3U);
  house.clock.advance(std::chrono::hours(25));
  house.login(alice, right_password, House::from("203.0.200.1"));
  rows();
  EXPECT_EQ(told.size(), 4U);
}

TEST_F(RecordTest, NothingIsToldWhenThatIsSwitchedOff) {
  auto settings = House::all_mechanisms();
  settings.record.new_network_mail = false;
  House quiet(settings);
  int calls = 0;
  quiet.office->on_new_network([&](NewNetworkLogin) -> async::Task<Result<>> {
    ++calls;
    return [](int) -> async::Task<Result<>> { co_return Result<>(); }(0);
  });
  for (const auto* ip : {"192.0.2.1", "198.51.100.1"}) quiet.login(alice, right_password, House::from(ip));
  async::run_alone(quiet.office->logins({})).value();
  EXPECT_EQ(calls, 0);
}

}  // namespace
}  // namespace postern::auth
