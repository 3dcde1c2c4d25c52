// SPDX-License-Identifier: Apache-2.0
// Access rules: the table of who may come in by which door, from where and when; and logins that meet them.
#include "auth/access.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "base/encoding.h"
#include "tests/auth/fixture.h"

namespace postern::auth {
namespace {

using Rules = store::AccessRules;
using testing::House;
using testing::plain_message;
using testing::right_password;
using testing::ScramClient;

constexpr WallTime tuesday_noon{1, 12 * 60};
constexpr WallTime sunday_night{6, 3 * 60};

Origin by(Protocol protocol, std::string ip = "192.0.2.1") { return {protocol, std::move(ip), true, {}}; }

TEST(AccessTest, EveryRuleOfAccountAndGroupsMustAllow) {
  const BoundRules free{};
  const BoundRules reader{{}, {.protocols = Rules::imap | Rules::pop3}};
  const BoundRules office{"office", {.networks = {"192.0.2.0/24", "2001:db8::/32"}}};
  const BoundRules workdays{"staff", {.hours = "mon-fri 07:00-19:00"}};
  const BoundRules broken{"torn", {.hours = "whenever"}};
  const BoundRules bad_network{"torn", {.networks = {"nowhere"}}};
  const struct {
    std::vector<BoundRules> bound;
    Origin origin;
    WallTime now;
    const char* objection;  ///< null: allowed
  } cases[] = {
      {{}, by(Protocol::imap), sunday_night, nullptr},
      {{free}, by(Protocol::submission, "203.0.113.9"), sunday_night, nullptr},
      {{reader}, by(Protocol::pop3), tuesday_noon, nullptr},
      {{reader}, by(Protocol::submission), tuesday_noon, "access rules: not by smtp"},
      {{free, office}, by(Protocol::imap, "192.0.2.200"), tuesday_noon, nullptr},
      {{free, office}, by(Protocol::imap, "2001:db8:1::1"), tuesday_noon, nullptr},
      {{free, office}, by(Protocol::imap, "192.0.3.1"), tuesday_noon, "access rules: not from this network (group office)"},
      {{free, office}, by(Protocol::imap, "no address"), tuesday_noon, "access rules: not from this network (group office)"},
      {{free, workdays}, by(Protocol::imap), tuesday_noon, nullptr},
      {{free, workdays},
       by(Protocol::imap),
       sunday_night,
       "access rules: not at this time, sun 03:00; allowed: mon-fri 07:00-19:00 (group staff)"},
      // a further group can only take away
      {{reader, office, workdays}, by(Protocol::imap), tuesday_noon, nullptr},
      {{reader, office, workdays}, by(Protocol::submission), sunday_night, "access rules: not by smtp"},
      {{free, broken},
       by(Protocol::imap),
       tuesday_noon,
       "access rules: not at this time, tue 12:00; allowed: whenever (group torn)"},
      {{free, bad_network}, by(Protocol::imap), tuesday_noon, "access rules: not from this network (group torn)"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(access_objection(c.bound, c.origin, c.now).value_or(""), c.objection == nullptr ? "" : c.objection);
  }
}

TEST(AccessTest, RulesHaveACanonicalForm) {
  const auto rules = canonical_rules({Rules::imap, {"192.0.2.7", "2001:DB8::/32"}, "Mon-Fri 7-19"}).value();
  EXPECT_EQ(rules, (Rules{Rules::imap, {"192.0.2.7/32", "2001:db8::/32"}, "mon-fri 07:00-19:00"}));
  EXPECT_EQ(canonical_rules({.networks = {"192.0.2.1/24"}}).error().kind, ErrorKind::invalid);
  EXPECT_EQ(canonical_rules({.networks = {"everywhere"}}).error().kind, ErrorKind::invalid);
  EXPECT_EQ(canonical_rules({.hours = "never"}).error().kind, ErrorKind::invalid);
  EXPECT_EQ(canonical_rules({.protocols = 8}).error().kind, ErrorKind::invalid);
  EXPECT_EQ(canonical_rules({.networks = std::vector<std::string>(max_rule_networks + 1, "192.0.2.1")}).error().kind,
            ErrorKind::limit);
}

TEST(AccessTest, ProtocolsHaveNames) {
  EXPECT_EQ(protocol_bits({}).value(), Rules::every_protocol);
  EXPECT_EQ(protocol_bits({"IMAP", "submission"}).value(), Rules::imap | Rules::submission);
  EXPECT_EQ(protocol_bits({"jmap"}).error().kind, ErrorKind::invalid);
  EXPECT_EQ(protocol_names(Rules::every_protocol), (std::vector<std::string>{"imap", "pop3", "smtp"}));
  EXPECT_EQ(protocol_names(Rules::submission), std::vector<std::string>{"smtp"});
}

/// The fixture's clock stands at 2027-01-15 08:00:00 UTC, a Friday.
struct AccessLoginTest : ::testing::Test {
  AccessLoginTest() {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }
  ~AccessLoginTest() override {
    ::unsetenv("TZ");
    ::tzset();
  }
  void rules(Rules rules) {
    auto row = *house.directory.account(house.alice);
    row.access = std::move(rules);
    const auto set = async::run_alone(house.directory.set_account(row));
    ASSERT_TRUE(set) << set.error().text;
  }
  void group(std::string name, Rules rules) {
    const auto set = async::run_alone(house.directory.set_group(
        {.name = std::move(name), .access = std::move(rules), .members = {house.alice}}, Directory::Existing::refuse));
    ASSERT_TRUE(set) << set.error().text;
  }
  /// Every way to log in, with the right password.
  std::vector<Step> all_ways(Origin origin = House::from()) {
    std::vector<Step> out;
    out.push_back(house.login("alice@example.org", right_password, origin));
    out.push_back(house.exchange("PLAIN", {plain_message("", "alice@example.org", right_password)}, origin).back());
    out.push_back(house.exchange("LOGIN", {base64_encode("alice@example.org"), base64_encode(right_password)}, origin).back());
    out.push_back(scram(right_password, origin));
    return out;
  }
  Step scram(const std::string& password, Origin origin = House::from()) {
    ScramClient client;
    client.password = password;
    auto exchange = house.service->begin(std::move(origin));
    auto step = async::run_alone(exchange->start("SCRAM-SHA-256", base64_encode(client.first())));
    if (step.refusal) return step;
    step = async::run_alone(exchange->step(base64_encode(client.final_message(step.challenge))));
    return step.refusal ? step : async::run_alone(exchange->step(""));
  }
  void expect(bool open, const char* reason = "", Origin origin = House::from()) {
    int way = 0;
    for (const auto& step : all_ways(std::move(origin))) {
      EXPECT_EQ(step.login.has_value(), open) << "way " << way << ": " << step.reason;
      if (!open) EXPECT_EQ(step.refusal, Refusal::bad_credentials) << way;
      if (!open) EXPECT_EQ(step.reason, reason) << way;
      ++way;
    }
  }

  House house;
};

TEST_F(AccessLoginTest, ProtocolsNetworksAndHoursAreAsked) {
  expect(true);
  rules({.protocols = Rules::pop3});
  expect(false, "access rules: not by imap");
  expect(true, "", by(Protocol::pop3));
  rules({.networks = {"203.0.113.0/24"}});
  expect(false, "access rules: not from this network");
  expect(true, "", by(Protocol::imap, "203.0.113.5"));
  rules({.hours = "sat-sun"});
  expect(false, "access rules: not at this time, fri 08:00; allowed: sat-sun 00:00-24:00");
  house.clock.advance(std::chrono::hours(16));
  expect(true);
  rules({});
  group("readers", {.protocols = Rules::imap});
  expect(true);
  expect(false, "access rules: not by smtp (group readers)", by(Protocol::submission));
}

TEST_F(AccessLoginTest, TheRightPasswordIsNeverCountedAsAGuess) {
  rules({.hours = "sat-sun"});
  for (int i = 0; i < 20; ++i) expect(false, "access rules: not at this time, fri 08:00; allowed: sat-sun 00:00-24:00");
  rules({});
  expect(true);
}

TEST_F(AccessLoginTest, AGuessIsCountedAsEverAndLooksTheSame) {
  rules({.hours = "sat-sun"});
  const auto scram_wrong = scram("a wrong password");
  EXPECT_EQ(scram_wrong.refusal, Refusal::bad_credentials);
  EXPECT_EQ(scram_wrong.reason.find("access"), std::string::npos) << "nothing was proven";
  EXPECT_EQ(house.login("alice@example.org", "wrong as well").reason, "wrong password");
  for (int i = 0; i < 8; ++i) house.login("alice@example.org", "guess " + std::to_string(i));
  EXPECT_EQ(house.login("alice@example.org", "one more").refusal, Refusal::throttled);
}

TEST_F(AccessLoginTest, TheRecordNamesTheCause) {
  rules({.protocols = Rules::pop3});
  house.login("alice@example.org", right_password);
  const auto rows = async::run_alone(house.office->logins({.account = house.alice, .failed_only = true, .most = 10})).value();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].reason, "access rules: not by imap");
  EXPECT_EQ(rows[0].outcome, "bad_credentials");
}

TEST_F(AccessLoginTest, AnAppPasswordIsBoundToo) {
  const auto made = async::run_alone(house.office->add_app_password(house.alice, {.label = "phone"}));
  rules({.protocols = Rules::pop3});
  const auto password = std::string(made->password.reveal());
  EXPECT_EQ(house.login("alice@example.org", password).reason, "access rules: not by imap");
  EXPECT_EQ(scram(password).reason, "access rules: not by imap");
  EXPECT_TRUE(house.login("alice@example.org", password, by(Protocol::pop3)).login);
}

}  // namespace
}  // namespace postern::auth
