// SPDX-License-Identifier: Apache-2.0
#include "auth/sasl_messages.h"

#include <gtest/gtest.h>

namespace postern::auth {
namespace {

using namespace std::string_literals;

TEST(ParsePlain, ReadsItsFields) {
  const auto one = parse_plain("\0alice\0secret"s).value();
  EXPECT_EQ(one.authzid, "");
  EXPECT_EQ(one.authcid, "alice");
  EXPECT_EQ(one.password.reveal(), "secret");
  EXPECT_EQ(parse_plain("bob\0alice\0s"s).value().authzid, "bob");
  EXPECT_EQ(parse_plain("\0\u00fcmit\0s\u00e9cret"s).value().authcid, "\u00fcmit");
}

// security.md D69
TEST(ParsePlain, RefusesBrokenMessages) {
  const std::string cases[] = {""s,
                               "alice"s,
                               "\0"s,
                               "\0alice"s,
                               "\0\0"s,
                               "\0alice\0"s,
                               "\0\0secret"s,
                               "\0alice\0sec\0ret"s,
                               "\0alice\0secret\0"s,
                               "\0al\xffice\0secret"s};
  for (const auto& text : cases) EXPECT_FALSE(parse_plain(text)) << ::testing::PrintToString(text);
}

TEST(MakePlain, RefusesNulAndEmpty) {
  EXPECT_EQ(make_plain("alice", Secret("secret")).value().reveal(), "\0alice\0secret"s);
  EXPECT_FALSE(make_plain("al\0ice"s, Secret("secret")));
  EXPECT_FALSE(make_plain("alice", Secret("sec\0ret"s)));
  EXPECT_FALSE(make_plain("", Secret("secret")));
  EXPECT_FALSE(make_plain("alice", Secret("")));
}

TEST(ParseScramHead, ReadsFlagAndNames) {
  const auto one = parse_scram_head("n,,n=user,r=abc").value();
  EXPECT_EQ(one.flag, 'n');
  EXPECT_EQ(one.user, "user");
  const auto two = parse_scram_head("p=tls-exporter,a=x=2Cy,n=a=3Db=2Cc,r=abc,x=y").value();
  EXPECT_EQ(two.flag, 'p');
  EXPECT_EQ(two.binding, "tls-exporter");
  EXPECT_EQ(two.authzid, "x,y");
  EXPECT_EQ(two.user, "a=b,c");
  EXPECT_EQ(parse_scram_head("y,,n=u,r=a").value().flag, 'y');
}

TEST(ParseScramHead, RefusesBrokenMessages) {
  for (const auto& text : {""s, "n"s, "n,"s, "n,,"s, "x,,n=u,r=a"s, "p,,n=u,r=a"s, "p=,,n=u,r=a"s, "n,,n=,r=a"s, "n,,n=u"s,
                           "n,,n=u,r="s, "n,,n=u=,r=a"s, "n,,n=u=2c,r=a"s, "n,b=c,n=u,r=a"s, "n,,m=x,n=u,r=a"s, "n,,n=\xff,r=a"s,
                           "n,,n=u\0,r=a"s, "n,,r=a,n=u"s}) {
    EXPECT_FALSE(parse_scram_head(text)) << ::testing::PrintToString(text);
  }
}

// security.md finding 4, RFC 5802 §6
TEST(CheckFirstMessage, FlagMustFitTheMechanism) {
  struct Case {
    std::string_view mechanism, message;
    bool fine;
  };
  const Case cases[] = {
      {"SCRAM-SHA-256", "n,,n=u,r=a", true},
      {"SCRAM-SHA-256", "y,,n=u,r=a", true},
      {"SCRAM-SHA-256", "p=tls-exporter,,n=u,r=a", false},
      {"SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=u,r=a", true},
      {"SCRAM-SHA-256-PLUS", "n,,n=u,r=a", false},
      {"SCRAM-SHA-256-PLUS", "y,,n=u,r=a", false},
  };
  for (const auto& one : cases)
    EXPECT_EQ(check_first_message(one.mechanism, one.message).has_value(), one.fine) << one.mechanism << one.message;
}

TEST(UserOf, FindsTheName) {
  EXPECT_EQ(user_of("PLAIN", "\0alice\0x"s), "alice");
  EXPECT_EQ(user_of("SCRAM-SHA-256", "n,,n=alice,r=a"), "alice");
  EXPECT_EQ(user_of("PLAIN", "junk"), "");
  EXPECT_EQ(user_of("SCRAM-SHA-256", "junk"), "");
}

}  // namespace
}  // namespace postern::auth
