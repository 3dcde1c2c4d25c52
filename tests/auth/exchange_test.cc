// SPDX-License-Identifier: Apache-2.0
// AUTH as the protocols see it: PLAIN, LOGIN and SCRAM through base64, and what each failure is told.
#include "auth/exchange.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "tests/auth/fixture.h"

namespace postern::auth {
namespace {

using namespace std::string_literals;
using testing::House;
using testing::plain_message;
using testing::right_password;
using testing::ScramClient;
using testing::wrong_password;

std::string b64(std::string_view text) { return base64_encode(text); }

/// A SCRAM exchange to its end; gives all steps.
std::vector<Step> scram(House& house, ScramClient& client, std::string mechanism = "SCRAM-SHA-256",
                        Origin origin = House::from()) {
  std::vector<Step> steps;
  auto exchange = house.service->begin(std::move(origin));
  steps.push_back(async::run_alone(exchange->start(std::move(mechanism), b64(client.first()))));
  if (steps.back().refusal) return steps;
  steps.push_back(async::run_alone(exchange->step(b64(client.final_message(steps.back().challenge)))));
  if (steps.back().refusal) return steps;
  steps.push_back(async::run_alone(exchange->step("")));
  return steps;
}

struct ExchangeTest : ::testing::Test {
  House house;
};

TEST_F(ExchangeTest, PlainLogsIn) {
  const auto steps = house.exchange("plain", {plain_message("", "Alice@Example.ORG", right_password)});
  ASSERT_EQ(steps.size(), 1U);
  ASSERT_TRUE(steps[0].login);
  EXPECT_EQ(steps[0].login->identity.account(), house.alice);
  EXPECT_EQ(steps[0].login->identity.login(), "alice@example.org");
  EXPECT_EQ(steps[0].login->relay.account(), house.alice);
}

TEST_F(ExchangeTest, PlainWithoutInitialResponseGetsAnEmptyChallenge) {
  auto exchange = house.service->begin(House::from());
  const auto first = async::run_alone(exchange->start("PLAIN", std::nullopt));
  EXPECT_FALSE(first.login || first.refusal);
  EXPECT_EQ(Exchange::encode(first), "");
  EXPECT_TRUE(async::run_alone(exchange->step(plain_message("", "alice@example.org", right_password))).login);
}

TEST_F(ExchangeTest, LoginAsksForNameAndPassword) {
  auto exchange = house.service->begin(House::from());
  EXPECT_EQ(Exchange::encode(async::run_alone(exchange->start("LOGIN", std::nullopt))), "VXNlcm5hbWU6");
  EXPECT_EQ(Exchange::encode(async::run_alone(exchange->step(b64("alice@example.org")))), "UGFzc3dvcmQ6");
  EXPECT_TRUE(async::run_alone(exchange->step(b64(right_password))).login);
}

TEST_F(ExchangeTest, LoginTakesTheNameAsInitialResponse) {
  const auto steps = house.exchange("LOGIN", {b64("alice@example.org"), b64(right_password)});
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_TRUE(steps[1].login);
}

TEST_F(ExchangeTest, ScramLogsInAndProvesItself) {
  ScramClient client;
  const auto steps = scram(house, client);
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_TRUE(steps[0].challenge.starts_with("r=" + client.nonce));
  EXPECT_EQ(steps[1].challenge, "v=" + client.server_signature());
  ASSERT_TRUE(steps[2].login);
  EXPECT_EQ(steps[2].login->identity.account(), house.alice);
}

TEST_F(ExchangeTest, TwoSpellingsOfAPasswordAreOne) {
  ASSERT_TRUE(house.set_password(house.bob, "zw\u00f6lf Boxk\u00e4mpfer jagen Viktor"));
  EXPECT_TRUE(house.login("bob@example.org", "zwo\u0308lf Boxka\u0308mpfer jagen Viktor").login);
  EXPECT_TRUE(house.login("bob@example.org", "zw\u00f6lf\u00a0Boxk\u00e4mpfer jagen Viktor").login);
}

// security.md D67: one answer for unknown, disabled, without password and wrong.
TEST_F(ExchangeTest, AllFailuresLookAlike) {
  const std::pair<const char*, const char*> cases[] = {
      {"alice@example.org", wrong_password}, {"nobody@example.org", right_password}, {"nobody@elsewhere.example", right_password},
      {"no address", right_password},        {"carol@example.org", right_password},  {"bob@example.org", right_password}};
  int from = 1;
  for (const auto& [user, password] : cases) {
    const auto origin = House::from(fmt::format("10.0.0.{}", from++));
    house.credentials.reads = 0;
    const auto plain = house.exchange("PLAIN", {plain_message("", user, password)}, origin);
    ASSERT_EQ(plain.size(), 1U);
    EXPECT_EQ(plain[0].refusal, Refusal::bad_credentials) << user;
    EXPECT_EQ(plain[0].challenge, "");
    EXPECT_EQ(house.credentials.reads, 1) << "the same work for " << user;
    const auto login = house.exchange("LOGIN", {b64(user), b64(std::string(password) + "2")}, origin);
    ASSERT_EQ(login.size(), 2U);
    EXPECT_EQ(login[1].refusal, Refusal::bad_credentials) << user;
    ScramClient client;
    client.user = user;
    client.password = password;
    house.credentials.reads = 0;
    const auto steps = scram(house, client, "SCRAM-SHA-256", origin);
    ASSERT_EQ(steps.size(), 2U) << user;
    EXPECT_EQ(ScramClient::field(steps[0].challenge, 'i'), "64");
    EXPECT_EQ(steps[1].refusal, Refusal::bad_credentials) << user;
    EXPECT_EQ(house.credentials.reads, 1) << user;
  }
}

TEST_F(ExchangeTest, UnknownNamesKeepTheirSalt) {
  ScramClient client;
  client.user = "nobody@example.org";
  const auto one = scram(house, client)[0].challenge;
  const auto two = scram(house, client)[0].challenge;
  EXPECT_EQ(ScramClient::field(one, 's'), ScramClient::field(two, 's'));
  EXPECT_NE(ScramClient::field(one, 'r'), ScramClient::field(two, 'r'));
}

// D66
TEST_F(ExchangeTest, NothingWithoutTls) {
  auto origin = House::from("127.0.0.1");
  origin.tls = false;
  EXPECT_TRUE(house.service->mechanisms(origin).empty());
  EXPECT_EQ(house.exchange("PLAIN", {plain_message("", "alice@example.org", right_password)}, origin)[0].refusal,
            Refusal::no_tls);
  EXPECT_EQ(house.login("alice@example.org", right_password, origin).refusal, Refusal::no_tls);
}

TEST_F(ExchangeTest, OffersWhatIsConfiguredAndBindable) {
  EXPECT_EQ(house.service->mechanisms(House::from()), (std::vector<std::string>{"SCRAM-SHA-256", "PLAIN", "LOGIN"}));
  auto bound = House::from();
  bound.channel_binding = std::string(32, 'b');
  EXPECT_EQ(house.service->mechanisms(bound),
            (std::vector<std::string>{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"}));
  House few({.mechanisms = {"PLAIN", "CRAM-MD5"}});
  EXPECT_EQ(few.service->mechanisms(bound), (std::vector<std::string>{"PLAIN"}));
}

TEST_F(ExchangeTest, RefusesWhatIsNotOffered) {
  for (const auto* name : {"CRAM-MD5", "DIGEST-MD5", "NTLM", "ANONYMOUS", "EXTERNAL", "SCRAM-SHA-1", "SCRAM-SHA-256-PLUS",
                           "SCRAM-SHA-512", "", "PLAIN2", "PLAI"}) {
    EXPECT_EQ(house.exchange(name, {"="})[0].refusal, Refusal::bad_mechanism) << name;
  }
  EXPECT_EQ(house.exchange(std::string(100000, 'A'), {"="})[0].refusal, Refusal::bad_mechanism);
}

// D69, D70
TEST_F(ExchangeTest, BrokenDataIsMalformedAndNotCounted) {
  const std::string cases[] = {"=",
                               "====",
                               "a",
                               "!!!!",
                               "AAA",
                               b64("alice"),
                               b64("\0"s),
                               b64("\0\0"s),
                               b64("\0alice@example.org\0"s),
                               b64("\0\0secret"s),
                               b64("\0alice@example.org\0a\0b"s),
                               b64("\0alice@example.org\0\xff"s),
                               std::string(12289, 'A'),
                               std::string(12292, 'A')};
  for (int round = 0; round < 3; ++round) {
    for (const auto& text : cases)
      EXPECT_EQ(house.exchange("PLAIN", {text})[0].refusal, Refusal::malformed) << text.substr(0, 40);
  }
  const auto too_long = plain_message("", "alice@example.org", std::string(9200, 'x'));
  ASSERT_GT(too_long.size(), max_sasl_input);
  EXPECT_EQ(house.exchange("PLAIN", {too_long})[0].refusal, Refusal::malformed);
  EXPECT_EQ(house.exchange("LOGIN", {"="})[0].refusal, Refusal::malformed);
  EXPECT_EQ(house.exchange("LOGIN", {b64("a\0b"s)})[0].refusal, Refusal::malformed);
  EXPECT_EQ(house.exchange("LOGIN", {b64("alice@example.org"), b64("a\0b"s)})[1].refusal, Refusal::malformed);
  EXPECT_TRUE(house.login("alice@example.org", right_password).login);
}

TEST_F(ExchangeTest, LongMessagesWithinTheLimitAreJudgedNotRefusedByForm) {
  const auto long_password = plain_message("", "alice@example.org", std::string(9000, 'x'));
  ASSERT_LE(long_password.size(), max_sasl_input);
  EXPECT_EQ(house.exchange("PLAIN", {long_password})[0].refusal, Refusal::bad_credentials);
}

// D69
TEST_F(ExchangeTest, ActingForSomebodyElseIsRefused) {
  EXPECT_EQ(house.exchange("PLAIN", {plain_message("bob@example.org", "alice@example.org", right_password)})[0].refusal,
            Refusal::bad_credentials);
  EXPECT_TRUE(house.exchange("PLAIN", {plain_message("alice@example.org", "alice@example.org", right_password)})[0].login);
  ScramClient client;
  client.gs2 = "n,a=bob@example.org,";
  EXPECT_EQ(scram(house, client).back().refusal, Refusal::bad_credentials);
}

// RFC 4954 §4
TEST_F(ExchangeTest, AStarAborts) {
  for (const auto* mechanism : {"PLAIN", "LOGIN", "SCRAM-SHA-256"}) {
    auto exchange = house.service->begin(House::from());
    async::run_alone(exchange->start(mechanism, std::nullopt));
    EXPECT_EQ(async::run_alone(exchange->step("*")).refusal, Refusal::aborted) << mechanism;
    EXPECT_EQ(async::run_alone(exchange->step("")).refusal, Refusal::malformed) << mechanism;
  }
  auto exchange = house.service->begin(House::from());
  async::run_alone(exchange->start("SCRAM-SHA-256", b64(ScramClient{}.first())));
  EXPECT_EQ(async::run_alone(exchange->step("*")).refusal, Refusal::aborted);
}

TEST_F(ExchangeTest, AnExchangeIsUsedOnce) {
  auto exchange = house.service->begin(House::from());
  EXPECT_EQ(async::run_alone(exchange->step("")).refusal, Refusal::malformed);
  auto other = house.service->begin(House::from());
  EXPECT_TRUE(async::run_alone(other->start("PLAIN", plain_message("", "alice@example.org", right_password))).login);
  EXPECT_TRUE(async::run_alone(other->start("PLAIN", plain_message("", "alice@example.org", right_password))).refusal);
}

// D72
TEST_F(ExchangeTest, ScramCheatsFail) {
  auto exchange = house.service->begin(House::from());
  ScramClient client;
  const auto first = async::run_alone(exchange->start("SCRAM-SHA-256", b64(client.first())));
  const auto final_message = client.final_message(first.challenge);
  auto replay = house.service->begin(House::from());
  async::run_alone(replay->start("SCRAM-SHA-256", b64(client.first())));
  EXPECT_EQ(async::run_alone(replay->step(b64(final_message))).refusal, Refusal::bad_credentials) << "replayed";
  for (const std::string& text :
       {""s, "x"s, "c=biws"s, "c=biws,r=abc,p="s, "c=biws,r=abc,p=AAAA"s, final_message.substr(0, 20)}) {
    auto one = house.service->begin(House::from("10.1.1.1"));
    async::run_alone(one->start("SCRAM-SHA-256", b64(client.first())));
    EXPECT_EQ(async::run_alone(one->step(b64(text))).refusal, Refusal::bad_credentials) << text;
  }
}

struct BoundTest : ExchangeTest {
  BoundTest() { origin.channel_binding = std::string(32, 'b'); }
  Origin origin = House::from();
};

// RFC 9266, security.md finding 1
TEST_F(BoundTest, PlusBindsToTheChannel) {
  ScramClient client;
  client.gs2 = "p=tls-exporter,,";
  client.binding = origin.channel_binding;
  EXPECT_TRUE(scram(house, client, "SCRAM-SHA-256-PLUS", origin).back().login);
}

TEST_F(BoundTest, AnotherChannelTypeOrFlagFails) {
  struct Case {
    const char *mechanism, *gs2;
    std::string binding;
    Refusal refusal;
  };
  const Case cases[] = {
      {"SCRAM-SHA-256-PLUS", "p=tls-exporter,,", std::string(32, 'x'), Refusal::bad_credentials},
      {"SCRAM-SHA-256-PLUS", "p=tls-exporter,,", "", Refusal::bad_credentials},
      {"SCRAM-SHA-256-PLUS", "p=tls-unique,,", origin.channel_binding, Refusal::bad_credentials},
      {"SCRAM-SHA-256-PLUS", "n,,", "", Refusal::malformed},
      {"SCRAM-SHA-256-PLUS", "y,,", "", Refusal::malformed},
      {"SCRAM-SHA-256", "p=tls-exporter,,", origin.channel_binding, Refusal::malformed},
      {"SCRAM-SHA-256", "y,,", "", Refusal::bad_credentials},
  };
  for (const auto& one : cases) {
    ScramClient client;
    client.gs2 = one.gs2;
    client.binding = one.binding;
    EXPECT_EQ(scram(house, client, one.mechanism, origin).back().refusal, one.refusal) << one.mechanism << " " << one.gs2;
  }
}

TEST_F(BoundTest, WithoutBindingIsStillAllowed) {
  ScramClient client;
  EXPECT_TRUE(scram(house, client, "SCRAM-SHA-256", origin).back().login);
  ScramClient aware;
  aware.gs2 = "y,,";
  EXPECT_TRUE(scram(house, aware).back().login) << "no PLUS was offered, so y is honest";
}

// D68
TEST_F(ExchangeTest, AFailingStoreIsOurFault) {
  house.credentials.broken = Error{ErrorKind::io, "disk on fire"};
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(house.login("alice@example.org", right_password).refusal, Refusal::unavailable);
    EXPECT_EQ(house.login("nobody@example.org", fmt::format("x{}", i)).refusal, Refusal::unavailable);
    ScramClient client;
    EXPECT_EQ(scram(house, client).back().refusal, Refusal::unavailable);
  }
  house.credentials.broken.reset();
  EXPECT_TRUE(house.login("alice@example.org", right_password).login) << "nothing was counted";
}

TEST_F(ExchangeTest, FailuresAreThrottledAndComeBack) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(house.login("alice@example.org", fmt::format("guess {}", i)).refusal, Refusal::bad_credentials);
  }
  const int reads = house.credentials.reads;
  EXPECT_EQ(house.login("alice@example.org", right_password).refusal, Refusal::throttled);
  ScramClient client;
  EXPECT_EQ(scram(house, client).back().refusal, Refusal::throttled);
  EXPECT_EQ(house.credentials.reads, reads) << "nothing is hashed or read";
  EXPECT_TRUE(house.login("alice@example.org", right_password, House::from("198.51.100.1")).login);
  house.clock.advance(std::chrono::minutes(2));
  EXPECT_TRUE(house.login("alice@example.org", right_password).login);
}

TEST(Reload, BudgetsAndTimesFollow) {
  config::Live live{config::Config{}};
  House house(settings_from(live));
  EXPECT_EQ(house.login("alice@example.org", wrong_password).refusal, Refusal::bad_credentials);
  config::Config strict;
  strict.auth.failures_per_minute = 1;
  live.replace(strict);
  EXPECT_EQ(house.login("alice@example.org", right_password).refusal, Refusal::throttled);
  strict.auth.failures_per_minute = 5;
  strict.auth.cache_ttl = std::chrono::seconds(0);
  live.replace(strict);
  EXPECT_TRUE(house.login("alice@example.org", right_password).login);
  const int reads = house.credentials.reads;
  EXPECT_TRUE(house.login("alice@example.org", right_password).login);
  EXPECT_EQ(house.credentials.reads, reads + 1) << "0 s: never remembered";
}

TEST_F(ExchangeTest, ScramGuessesCount) {
  for (int i = 0; i < 10; ++i) {
    ScramClient client;
    client.password = fmt::format("guess {}", i);
    EXPECT_EQ(scram(house, client).back().refusal, Refusal::bad_credentials);
  }
  ScramClient client;
  EXPECT_EQ(scram(house, client).back().refusal, Refusal::throttled);
}

// D74: a client with an old password neither hashes nor uses up the budget.
TEST_F(ExchangeTest, AStaleClientCountsOnce) {
  house.credentials.reads = 0;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(house.login("alice@example.org", wrong_password).refusal, Refusal::bad_credentials);
  EXPECT_EQ(house.credentials.reads, 1);
  EXPECT_TRUE(house.login("alice@example.org", right_password).login);
}

TEST_F(ExchangeTest, ProvenPasswordsAreNotHashedAgain) {
  EXPECT_TRUE(house.login("alice@example.org", right_password).login);
  const int reads = house.credentials.reads;
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(house.login("alice@example.org", right_password).login);
  EXPECT_EQ(house.credentials.reads, reads);
  house.clock.advance(std::chrono::seconds(601));
  EXPECT_TRUE(house.login("alice@example.org", right_password).login);
  EXPECT_EQ(house.credentials.reads, reads + 1);
}

TEST_F(ExchangeTest, ADisabledAccountIsOutAtOnce) {
  EXPECT_TRUE(house.login("alice@example.org", right_password).login);
  auto row = *house.directory.account(house.alice);
  row.enabled = false;
  ASSERT_TRUE(async::run_alone(house.directory.set_account(row)));
  EXPECT_EQ(house.login("alice@example.org", right_password).refusal, Refusal::bad_credentials);
}

// D75: threads and queue bound the hashing; one more is told to come again.
TEST(Hashing, QueueIsBounded) {
  House house({.hash_threads = 1, .hash_queue = 1});
  std::unique_lock hold(house.credentials.gate);
  const int before = house.credentials.reads;
  const auto login = [&house](int i) {
    return house.login("alice@example.org", right_password, House::from(fmt::format("10.0.0.{}", i)));
  };
  auto running = std::async(std::launch::async, login, 1);
  while (house.credentials.reads == before) std::this_thread::yield();
  auto& metrics = house.metrics;
  std::vector<std::future<Step>> more;
  for (int i = 2; i < 6; ++i) more.push_back(std::async(std::launch::async, login, i));
  // Three of the four find the queue full while the first one is held back.
  while (metrics.exposition().find("postern_logins_total{result=\"unavailable\"} 3") == std::string::npos)
    std::this_thread::yield();
  hold.unlock();
  int admitted = running.get().login ? 1 : 0;
  int unavailable = 0;
  for (auto& one : more) {
    const auto step = one.get();
    admitted += step.login ? 1 : 0;
    unavailable += step.refusal == Refusal::unavailable ? 1 : 0;
  }
  EXPECT_EQ(admitted, 2);
  EXPECT_EQ(unavailable, 3);
}

TEST(Hashing, DefaultsStayBelow256MiB) {
  const auto settings = settings_from(config::Config{});
  // The threads of logins, and the backroom's one, which hashes anew what is imported.
  EXPECT_LE(settings.cost.argon2_memory * (settings.hash_threads + 1), 256ULL * 1024 * 1024);
}

// D76
TEST_F(ExchangeTest, LogNamesTheAttemptAndNoSecret) {
  house.login("alice@example.org", right_password);
  house.login("alice@example.org", wrong_password);
  house.exchange("PLAIN", {plain_message("", "nobody@example.org", "other words here")});
  std::string all;
  for (const auto& line : house.lines) all += line + "\n";
  for (const auto* part :
       {"login", "refused", "protocol=imap", "ip=192.0.2.1", "mechanism=PLAIN", "credential=password", "wrong password"}) {
    EXPECT_NE(all.find(part), std::string::npos) << part << " in " << all;
  }
  for (const auto* part : {right_password, wrong_password, "other words here"}) EXPECT_EQ(all.find(part), std::string::npos);
}

}  // namespace
}  // namespace postern::auth
