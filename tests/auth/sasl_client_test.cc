// SPDX-License-Identifier: Apache-2.0
// Our client against our server: both sides of libsasl2, and a server that lies.
#include "auth/sasl_client.h"

#include <gtest/gtest.h>

#include "tests/auth/fixture.h"

namespace postern::auth {
namespace {

using testing::House;
using testing::right_password;
using testing::wrong_password;

struct SaslClientTest : ::testing::Test {
  House house;

  Step talk(SaslClient& client, const std::vector<std::string>& offered) {
    const auto begin = client.start(offered).value();
    auto exchange = house.service->begin(House::from());
    auto step = async::run_alone(exchange->start(begin.mechanism, base64_encode(begin.initial)));
    while (!step.login && !step.refusal) {
      const auto answer = client.step(step.challenge);
      step = async::run_alone(exchange->step(answer ? base64_encode(*answer) : "*"));
    }
    return step;
  }
};

TEST_F(SaslClientTest, LogsInByWhatIsOffered) {
  for (const auto& offered : {std::vector<std::string>{"PLAIN", "LOGIN"}, {"PLAIN", "scram-sha-256"}, {"SCRAM-SHA-256"}}) {
    SaslClient client(testing::sasl_library(), "alice@example.org", Secret(right_password));
    EXPECT_TRUE(talk(client, offered).login);
    EXPECT_TRUE(client.complete());
  }
}

TEST_F(SaslClientTest, PrefersScram) {
  SaslClient client(testing::sasl_library(), "alice@example.org", Secret(right_password));
  const auto begin = client.start({"LOGIN", "PLAIN", "SCRAM-SHA-256", "CRAM-MD5"}).value();
  EXPECT_EQ(begin.mechanism, "SCRAM-SHA-256");
  EXPECT_TRUE(begin.initial.starts_with("n,,n=alice@example.org,r="));
  EXPECT_FALSE(client.complete());
}

TEST_F(SaslClientTest, PlainSendsTheMessageAtOnce) {
  SaslClient client(testing::sasl_library(), "alice", Secret("p w"));
  EXPECT_EQ(client.start({"PLAIN"}).value().initial, std::string("\0alice\0p w", 10));
  EXPECT_TRUE(client.complete());
}

TEST_F(SaslClientTest, AWrongPasswordIsRefused) {
  SaslClient client(testing::sasl_library(), "alice@example.org", Secret(wrong_password));
  EXPECT_EQ(talk(client, {"SCRAM-SHA-256"}).refusal, Refusal::bad_credentials);
  EXPECT_FALSE(client.complete());
}

TEST_F(SaslClientTest, NothingInCommonIsSaid) {
  SaslClient client(testing::sasl_library(), "alice", Secret("x"));
  EXPECT_EQ(client.start({"CRAM-MD5", "NTLM", "LOGIN"}).error().kind, ErrorKind::unsupported);
}

TEST_F(SaslClientTest, AServerThatDoesNotKnowThePasswordIsCaught) {
  for (const std::string& lie :
       {std::string("v=AAAA"), std::string("e=other-error"), std::string(), std::string("junk"), std::string(20000, 'v')}) {
    SaslClient client(testing::sasl_library(), "alice", Secret("x"));
    const auto begin = client.start({"SCRAM-SHA-256"}).value();
    const auto nonce = begin.initial.substr(begin.initial.find(",r=") + 3);
    ASSERT_TRUE(client.step("r=" + nonce + "server,s=c2FsdHNhbHQ=,i=4096"));
    EXPECT_FALSE(client.step(lie)) << lie.substr(0, 20);
    EXPECT_FALSE(client.complete());
  }
}

TEST_F(SaslClientTest, ABrokenFirstChallengeIsRefused) {
  for (const auto* text : {"", "r=x,s=,i=1", "r=other,s=c2FsdA==,i=4096", "i=4096", "r=\n"}) {
    SaslClient client(testing::sasl_library(), "alice", Secret("x"));
    ASSERT_TRUE(client.start({"SCRAM-SHA-256"}));
    EXPECT_FALSE(client.step(text)) << text;
  }
}

}  // namespace
}  // namespace postern::auth
