// SPDX-License-Identifier: Apache-2.0
// Passwords that change, and how the service starts.
#include "auth/service.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/auth/fixture.h"

namespace postern::auth {
namespace {

using testing::House;
using testing::right_password;
using testing::wrong_password;

struct ServiceTest : ::testing::Test {
  House house;
  Result<Front> again() {
    return async::run_alone(make_front(
        {house.credentials, house.directory, testing::sasl_library(), house.clock, house.log, house.metrics}, house.settings));
  }
};

TEST_F(ServiceTest, ANewPasswordCountsAtOnceAndTheOldOneNoMore) {
  EXPECT_TRUE(house.login("alice@example.org", right_password).login);
  EXPECT_EQ(house.login("alice@example.org", wrong_password).refusal, Refusal::bad_credentials);
  ASSERT_TRUE(house.set_password(house.alice, wrong_password)) << "refused before, right now";
  EXPECT_TRUE(house.login("alice@example.org", wrong_password).login);
  EXPECT_EQ(house.login("alice@example.org", right_password).refusal, Refusal::bad_credentials);
}

TEST_F(ServiceTest, TheGateStandsBeforeTheStore) {
  for (const auto* password : {"", "short", "alice@example.org", "password12345678", "tab\tin the middle of it"}) {
    const auto refused = house.set_password(house.bob, password);
    ASSERT_FALSE(refused) << password;
    EXPECT_EQ(refused.error().kind, ErrorKind::invalid) << refused.error().text;
  }
  EXPECT_TRUE(async::run_alone(house.credentials.get(house.bob)).value().empty());
  EXPECT_EQ(house.set_password(999, right_password).error().kind, ErrorKind::not_found);
}

TEST_F(ServiceTest, FormerPasswordsDoNotComeBack) {
  const char* others[] = {"zebra quilt mosaic anchor", "violet hammock granite pulse", "marble cactus ribbon engine"};
  EXPECT_FALSE(house.set_password(house.alice, right_password)) << "the present one";
  ASSERT_TRUE(house.set_password(house.alice, others[0]));
  EXPECT_FALSE(house.set_password(house.alice, right_password));
  ASSERT_TRUE(house.set_password(house.alice, others[1]));
  ASSERT_TRUE(house.set_password(house.alice, others[2]));
  EXPECT_TRUE(house.set_password(house.alice, right_password)) << "three changes later";
}

TEST_F(ServiceTest, StoredRowsHoldNoReadableVerifier) {
  const auto rows = async::run_alone(house.credentials.get(house.alice)).value();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].kind, "password");
  EXPECT_EQ(rows[0].created, house.clock.unix_now());
  for (const auto* part : {"argon2", "SCRAM", right_password}) EXPECT_EQ(rows[0].sealed.find(part), std::string::npos);
}

TEST_F(ServiceTest, ASwappedRowDoesNotLogIn) {
  auto row = async::run_alone(house.credentials.get(house.alice)).value().at(0);
  row.account = house.bob;
  ASSERT_TRUE(async::run_alone(house.credentials.set_password(row)));
  EXPECT_EQ(house.login("bob@example.org", right_password).refusal, Refusal::unavailable);
}

TEST_F(ServiceTest, PasswordsOutliveARestart) {
  house.service.reset();
  house.service = std::move(again().value().service);
  EXPECT_TRUE(house.login("alice@example.org", right_password).login);
}

TEST_F(ServiceTest, RefusesToStartWithoutItsKey) {
  house.service.reset();
  std::filesystem::remove(house.settings.key_file);
  EXPECT_EQ(again().error().kind, ErrorKind::not_found);
  EXPECT_FALSE(std::filesystem::exists(house.settings.key_file));
}

TEST_F(ServiceTest, RefusesToStartWithAKeyThatOthersMayRead) {
  house.service.reset();
  ASSERT_EQ(::chmod(house.settings.key_file.c_str(), 0644), 0);
  EXPECT_EQ(again().error().kind, ErrorKind::denied);
}

TEST_F(ServiceTest, CredentialsWithoutAccountGoAtStart) {
  house.service.reset();
  ASSERT_TRUE(async::run_alone(house.directory.remove_account("alice@example.org")));
  ASSERT_TRUE(again());
  EXPECT_TRUE(async::run_alone(house.credentials.get(house.alice)).value().empty());
  EXPECT_FALSE(async::run_alone(house.credentials.get(house.carol)).value().empty());
}

TEST_F(ServiceTest, ALostDirectoryDoesNotCostThePasswords) {
  house.service.reset();
  const auto empty = store::memory::make(house.clock);
  Directory lost(empty->accounts(), house.log);
  ASSERT_TRUE(async::run_alone(lost.load()));
  ASSERT_TRUE(async::run_alone(
      make_front({house.credentials, lost, testing::sasl_library(), house.clock, house.log, house.metrics}, house.settings)));
  EXPECT_FALSE(async::run_alone(house.credentials.get(house.alice)).value().empty());
}

TEST(SaslLibraryTest, StartsOnceInAProcess) {
  testing::sasl_library();
  Log log(LogLevel::off, null_sink());
  EXPECT_EQ(SaslLibrary::start(log).error().kind, ErrorKind::exists);
}

}  // namespace
}  // namespace postern::auth
