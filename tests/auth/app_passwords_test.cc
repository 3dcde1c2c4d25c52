// SPDX-License-Identifier: Apache-2.0
// App passwords from the office to the login: all mechanisms, all spellings, rules, policy, revocation.
#include "auth/app_passwords.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "tests/auth/fixture.h"

namespace postern::auth {
namespace {

using testing::House;
using testing::plain_message;
using testing::right_password;
using testing::ScramClient;

const std::string alice = "alice@example.org";

struct AppPasswordTest : ::testing::Test {
  std::string make(AppRules rules) {
    auto made = async::run_alone(house.office->add_app_password(house.alice, std::move(rules)));
    EXPECT_TRUE(made) << made.error().text;
    return made ? std::string(made->password.reveal()) : std::string();
  }
  std::optional<Refusal> plain(const std::string& password, Origin origin = House::from()) {
    return house.exchange("PLAIN", {plain_message("", alice, password)}, std::move(origin))[0].refusal;
  }
  Step scram(const std::string& password, Origin origin = House::from(), ScramClient client = {}) {
    client.password = password;
    auto exchange = house.service->begin(std::move(origin));
    auto step = async::run_alone(exchange->start("SCRAM-SHA-256", base64_encode(client.first())));
    if (step.refusal) return step;
    step = async::run_alone(exchange->step(base64_encode(client.final_message(step.challenge))));
    if (step.refusal) return step;
    EXPECT_EQ(step.challenge, "v=" + client.server_signature()) << "the server proves the same password";
    return async::run_alone(exchange->step(""));
  }
  static Origin with(Protocol protocol, std::string ip = "192.0.2.1") { return {protocol, std::move(ip), true, {}}; }

  House house;
};

TEST_F(AppPasswordTest, HasAHundredBitsAndIsShownOnce) {
  const auto password = make({.label = "phone"});
  ASSERT_EQ(password.size(), 23U) << password;
  EXPECT_EQ(password[5], '-');
  EXPECT_EQ(compact_app_password(password)->size(), 20U);
  const auto rows = async::run_alone(house.credentials.get(house.alice)).value();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].sealed.find(password), std::string::npos);
  const auto listed = async::run_alone(house.office->app_passwords(house.alice)).value();
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].sealed, "");
  EXPECT_NE(make({.label = "tablet"}), password);
}

TEST_F(AppPasswordTest, SpacesDashesAndCaseDoNotMatter) {
  const auto password = make({.label = "phone"});
  auto compact = std::string(compact_app_password(password)->reveal());
  auto spaced = password;
  std::replace(spaced.begin(), spaced.end(), '-', ' ');
  auto upper = ascii::upper(password);
  for (const auto& spelling : {password, compact, spaced, upper}) {
    EXPECT_FALSE(plain(spelling)) << spelling;
    EXPECT_TRUE(house.login(alice, spelling).login) << spelling;
  }
  EXPECT_TRUE(plain(compact.substr(1)));
  EXPECT_TRUE(plain(compact + "a"));
}

TEST_F(AppPasswordTest, ScramTakesThemBesideTheMainPassword) {
  const auto phone = make({.label = "phone"});
  const auto tablet = make({.label = "tablet"});
  auto spaced = tablet;
  std::replace(spaced.begin(), spaced.end(), '-', ' ');
  for (const auto& password :
       {std::string(right_password), phone, tablet, spaced, std::string(compact_app_password(phone)->reveal())}) {
    const auto step = scram(password);
    ASSERT_TRUE(step.login) << password << ": " << step.reason;
    EXPECT_EQ(step.login->identity.account(), house.alice);
  }
  EXPECT_EQ(scram("abcde-fghij-klmno-pqrst").refusal, Refusal::bad_credentials);
}

TEST_F(AppPasswordTest, ScramTakesThemBesideAnImportedHashAndAfterANewPassword) {
  const auto phone = make({.label = "phone"});
  ASSERT_TRUE(house.set_password(house.alice, "another password for alice"));
  EXPECT_TRUE(scram(phone).login);
  EXPECT_TRUE(scram("another password for alice").login);
  ASSERT_TRUE(async::run_alone(house.office->set_imported(
      house.alice, "{SSHA512}K1C784LzDseJkAWwff7r3qF1zywmAmvshylFAUg0XPQliC4rECjzIpN++24BZ2GIYfBUEwpxlNsFbBALxPIjqjEyMzQ1Njc4")));
  EXPECT_TRUE(scram(phone).login);
}

// A stranger who knows two SCRAM rules must not get in through the second check.
TEST_F(AppPasswordTest, TheSecondCheckIsAsStrictAsTheFirst) {
  const auto phone = make({.label = "phone"});
  const std::string binding(32, 'b');
  auto bound = House::from();
  bound.channel_binding = binding;
  ScramClient client;
  client.gs2 = "y,,";
  EXPECT_EQ(scram(phone, bound, client).refusal, Refusal::bad_credentials) << "y where PLUS was offered";
  client.gs2 = "n,a=bob@example.org,";
  EXPECT_EQ(scram(phone, House::from(), client).refusal, Refusal::bad_credentials) << "for somebody else";
  client.password = phone;
  client.gs2 = "n,,";
  auto exchange = house.service->begin(House::from());
  auto step = async::run_alone(exchange->start("SCRAM-SHA-256", base64_encode(client.first())));
  auto final_message = client.final_message(step.challenge);
  final_message.replace(final_message.find("r="), 3, "r=X");
  EXPECT_EQ(async::run_alone(exchange->step(base64_encode(final_message))).refusal, Refusal::bad_credentials) << "another nonce";
  exchange = house.service->begin(House::from());
  step = async::run_alone(exchange->start("SCRAM-SHA-256", base64_encode(client.first())));
  step = async::run_alone(exchange->step(base64_encode(client.final_message(step.challenge))));
  ASSERT_FALSE(step.refusal);
  EXPECT_EQ(async::run_alone(exchange->step(base64_encode("more"))).refusal, Refusal::bad_credentials) << "no empty answer";
}

TEST_F(AppPasswordTest, OpensOnlyWhatItIsFor) {
  house.clock.advance(std::chrono::hours(1));
  const auto now = house.clock.unix_now();
  const auto mail = make({.label = "reader", .protocols = {"IMAP", "pop3"}});
  const auto home = make({.label = "home", .networks = {"192.0.2.0/24", "2001:db8::/32", "198.51.100.7"}});
  const auto guest = make({.label = "guest", .expires = now + 60});
  const struct {
    std::string password;
    Origin origin;
    bool opens;
  } cases[] = {{mail, with(Protocol::imap), true},
               {mail, with(Protocol::pop3), true},
               {mail, with(Protocol::submission), false},
               {home, with(Protocol::submission, "192.0.2.200"), true},
               {home, with(Protocol::imap, "2001:db8::9"), true},
               {home, with(Protocol::imap, "198.51.100.7"), true},
               {home, with(Protocol::imap, "198.51.100.8"), false},
               {guest, with(Protocol::imap), true}};
  for (const auto& [password, origin, opens] : cases) {
    const auto expected = opens ? std::nullopt : std::optional(Refusal::bad_credentials);
    EXPECT_EQ(plain(password, origin), expected) << origin.ip << " " << door_name(origin.protocol);
    EXPECT_EQ(scram(password, origin).refusal, expected) << origin.ip << " " << door_name(origin.protocol);
    EXPECT_EQ(plain(password, origin), expected) << "again, from the cache";
  }
  house.clock.advance(std::chrono::seconds(61));
  EXPECT_EQ(plain(guest), Refusal::bad_credentials) << "although the cache knows it";
  EXPECT_EQ(scram(guest).refusal, Refusal::bad_credentials);
}

// Twenty wrong doors cost nothing: the password was right, so nobody guesses.
TEST_F(AppPasswordTest, AWrongDoorIsNoGuess) {
  const auto reader = make({.label = "reader", .protocols = {"imap"}});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(plain(reader, with(Protocol::submission)), Refusal::bad_credentials);
  EXPECT_FALSE(plain(reader));
}

TEST_F(AppPasswordTest, MainPasswordMayBeForbiddenForMail) {
  const auto phone = make({.label = "phone"});
  ASSERT_FALSE(plain(right_password));
  ASSERT_TRUE(async::run_alone(house.office->set_policy(house.alice, {.app_passwords_only = true})));
  EXPECT_EQ(plain(right_password), Refusal::bad_credentials);
  EXPECT_EQ(scram(right_password).refusal, Refusal::bad_credentials);
  EXPECT_FALSE(plain(phone));
  EXPECT_TRUE(scram(phone).login);
  ASSERT_TRUE(async::run_alone(house.office->set_policy(house.alice, {})));
  EXPECT_FALSE(plain(right_password)) << "refused before, right again";
}

TEST_F(AppPasswordTest, ARevokedOneEndsItsSessionsAndNoOthers) {
  const auto phone = make({.label = "phone"});
  const auto main_login = house.login(alice, right_password).login;
  const auto phone_login = house.login(alice, phone).login;
  const auto scram_login = scram(phone).login;
  ASSERT_TRUE(main_login && phone_login && scram_login);
  EXPECT_EQ(async::run_alone(house.office->revoke_app_password(house.alice, "phone")).value(), 2U);
  EXPECT_TRUE(phone_login->ticket->is_over());
  EXPECT_TRUE(scram_login->ticket->is_over());
  EXPECT_FALSE(main_login->ticket->is_over());
  EXPECT_EQ(plain(phone), Refusal::bad_credentials);
  EXPECT_EQ(async::run_alone(house.office->revoke_app_password(house.alice, "phone")).error().kind, ErrorKind::not_found);
}

TEST_F(AppPasswordTest, ANewPasswordEndsTheSessionsOfTheOldOne) {
  const auto phone = make({.label = "phone"});
  const auto main_login = house.login(alice, right_password).login;
  const auto phone_login = house.login(alice, phone).login;
  ASSERT_TRUE(main_login && phone_login);
  ASSERT_TRUE(house.set_password(house.alice, "another password for alice"));
  EXPECT_TRUE(main_login->ticket->is_over());
  EXPECT_FALSE(phone_login->ticket->is_over());
  ASSERT_TRUE(async::run_alone(house.office->set_policy(house.alice, {.app_passwords_only = true})));
  EXPECT_FALSE(phone_login->ticket->is_over());
  EXPECT_EQ(house.office->shut_out(*house.directory.account(alice)), 1U);
  EXPECT_TRUE(phone_login->ticket->is_over());
}

TEST_F(AppPasswordTest, AnExchangeThatARevocationOvertakesGetsNowhere) {
  const auto phone = make({.label = "phone"});
  ScramClient client;
  client.password = phone;
  auto exchange = house.service->begin(House::from());
  auto step = async::run_alone(exchange->start("SCRAM-SHA-256", base64_encode(client.first())));
  const auto final_message = client.final_message(step.challenge);
  ASSERT_TRUE(async::run_alone(house.office->revoke_app_password(house.alice, "phone")));
  step = async::run_alone(exchange->step(base64_encode(final_message)));
  if (!step.refusal) step = async::run_alone(exchange->step(""));
  EXPECT_EQ(step.refusal, Refusal::unavailable) << "try again, and be refused then";
}

TEST_F(AppPasswordTest, RulesAreChecked) {
  const auto kind = [&](AppRules rules) {
    const auto made = async::run_alone(house.office->add_app_password(house.alice, std::move(rules)));
    return made ? std::string() : std::string(to_string(made.error().kind));
  };
  EXPECT_EQ(kind({.label = "phone"}), "");
  EXPECT_EQ(kind({.label = "phone"}), "exists");
  EXPECT_EQ(kind({.label = ""}), "invalid");
  EXPECT_EQ(kind({.label = "two\nlines"}), "invalid");
  EXPECT_EQ(kind({.label = std::string(65, 'x')}), "invalid");
  EXPECT_EQ(kind({.label = "x", .protocols = {"imap", "ftp"}}), "invalid");
  EXPECT_EQ(kind({.label = "x", .networks = {"192.0.2.1/24"}}), "invalid");
  EXPECT_EQ(kind({.label = "x", .networks = {"home"}}), "invalid");
  EXPECT_EQ(kind({.label = "x", .networks = std::vector<std::string>(17, "192.0.2.1")}), "limit");
  EXPECT_EQ(kind({.label = "x", .expires = 1}), "invalid");
  EXPECT_EQ(async::run_alone(house.office->add_app_password(999, {.label = "x"})).error().kind, ErrorKind::not_found);
  for (std::size_t i = 1; i < max_app_passwords; ++i) EXPECT_EQ(kind({.label = "n" + std::to_string(i)}), "");
  EXPECT_EQ(kind({.label = "one more"}), "limit");
}

TEST_F(AppPasswordTest, AnAccountThatGoesTakesThemAlong) {
  make({.label = "phone"});
  const auto row = *house.directory.account(alice);
  const auto login = house.login(alice, right_password).login;
  ASSERT_TRUE(async::run_alone(house.office->forget_account(row)));
  EXPECT_TRUE(login->ticket->is_over());
  EXPECT_TRUE(async::run_alone(house.credentials.get(house.alice)).value().empty());
}

TEST(CompactAppPassword, TakesOnlyTwentyBase32Characters) {
  EXPECT_EQ(compact_app_password("abcde-fghij-klmno-pqr27")->reveal(), "abcdefghijklmnopqr27");
  EXPECT_EQ(compact_app_password("ABCDE FGHIJ KLMNO PQR27")->reveal(), "abcdefghijklmnopqr27");
  for (const auto* bad : {"", "abcde", "abcde-fghij-klmno-pqr2", "abcde-fghij-klmno-pqr277", "abcde-fghij-klmno-pqr18",
                          "abcde_fghij_klmno_pqr27", "a b c d e f g h i j k l m n o p q r 2 7      "}) {
    EXPECT_FALSE(compact_app_password(bad)) << bad;
  }
}

}  // namespace
}  // namespace postern::auth
