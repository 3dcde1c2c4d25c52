// SPDX-License-Identifier: Apache-2.0
#include "outbound/sts_policy.h"

#include <gtest/gtest.h>

#include "config/gate.h"
#include "policy/own_sts.h"

namespace postern::outbound {
namespace {

using Mode = StsPolicy::Mode;

// RFC 8461 §3.2, the example
TEST(StsPolicy, ReadsTheExample) {
  const auto policy = parse_sts_policy(
      "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.Example.net\r\nmx: backupmx.example.com\r\nmax_age: "
      "604800\r\n");
  ASSERT_TRUE(policy) << policy.error().text;
  EXPECT_EQ(policy->mode, Mode::enforce);
  EXPECT_EQ(policy->max_age.count(), 604800);
  EXPECT_EQ(policy->mx, (std::vector<std::string>{"mail.example.com", "*.example.net", "backupmx.example.com"}));
}

TEST(StsPolicy, ReadsWhatOthersWrite) {
  const auto policy = parse_sts_policy("max_age:1\nfuture: x\n\nmx:a.example\nversion:STSv1\nmode:testing\nmode: enforce");
  ASSERT_TRUE(policy) << policy.error().text;
  EXPECT_EQ(policy->mode, Mode::testing) << "of two the first counts";
  EXPECT_EQ(parse_sts_policy("version: STSv1\nmode: none\nmax_age: 0")->mode, Mode::none) << "needs no mx";
}

TEST(StsPolicy, RefusesTheRest) {
  for (const char* text : {"", "version: STSv2\nmode: none\nmax_age: 1", "mode: none\nmax_age: 1", "version: STSv1\nmax_age: 1",
                           "version: STSv1\nmode: Enforce\nmx: a.example\nmax_age: 1", "version: STSv1\nmode: none",
                           "version: STSv1\nmode: none\nmax_age: -1", "version: STSv1\nmode: none\nmax_age: 31557601",
                           "version: STSv1\nmode: none\nmax_age: 1 day", "version: STSv1\nmode: enforce\nmax_age: 1",
                           "version: STSv1\nmode: enforce\nmx: *\nmax_age: 1",
                           "version: STSv1\nmode: enforce\nmx: a.*.example\nmax_age: 1", "<html>no such page</html>"}) {
    EXPECT_FALSE(parse_sts_policy(text)) << text;
  }
}

// RFC 8461 §4.1
TEST(StsPolicy, NamesHosts) {
  StsPolicy policy;
  policy.mx = {"mx.example.com", "*.example.net"};
  const std::pair<const char*, bool> cases[] = {
      {"mx.example.com", true}, {"a.mx.example.com", false}, {"a.example.net", true}, {"a.b.example.net", false},
      {"example.net", false},   {".example.net", false},     {"net", false},          {"", false}};
  for (const auto& [host, good] : cases) EXPECT_EQ(policy.names(host), good) << host;
}

// RFC 8461 §3.1
TEST(StsRecord, ReadsTheId) {
  EXPECT_EQ(parse_sts_record("v=STSv1; id=20160831085700Z;").value(), "20160831085700Z");
  EXPECT_EQ(parse_sts_record("v=STSv1;x=y;id=a").value(), "a");
  for (const char* text :
       {"v=STSv1", "v=STSv1;", "v=STSv1; id=", "v=STSv1; id=a-b", "v=STSv1; id=123456789012345678901234567890123",
        "v=STSv2; id=a", " v=STSv1; id=a", "v=stsv1; id=a", "v=STSv10; id=a"}) {
    EXPECT_FALSE(parse_sts_record(text)) << text;
  }
}

TEST(OwnSts, ReadersUnderstandIt) {
  config::Config config;
  config.server.hostname = "mx.example.org";
  auto& own = config.gate->mta_sts;
  own.mode = config::MtaSts::Mode::testing;
  own.mx = {"a.example.org", "*.example.net"};
  const auto page = policy::own_sts_policy(config);
  const auto policy = parse_sts_policy(page);
  ASSERT_TRUE(policy) << policy.error().text;
  EXPECT_EQ(policy->mx, own.mx);
  EXPECT_EQ(policy->max_age, own.max_age);
  const auto id = parse_sts_record(policy::own_sts_record(page));
  ASSERT_TRUE(id) << id.error().text;
  own.mode = config::MtaSts::Mode::enforce;
  EXPECT_NE(parse_sts_record(policy::own_sts_record(policy::own_sts_policy(config))).value(), *id);
}

}  // namespace
}  // namespace postern::outbound
