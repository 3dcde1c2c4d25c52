// SPDX-License-Identifier: Apache-2.0
#include "policy/spf_record.h"

#include <gtest/gtest.h>

namespace postern::policy {
namespace {

TEST(SpfRecord, IsOne) {
  EXPECT_TRUE(is_spf_record("v=spf1"));
  EXPECT_TRUE(is_spf_record("V=SPF1 -all"));
  EXPECT_FALSE(is_spf_record("v=spf10 -all"));
  EXPECT_FALSE(is_spf_record("v=spf1\t-all"));
  EXPECT_FALSE(is_spf_record(" v=spf1"));
}

TEST(SpfRecord, Reads) {
  const auto record = parse_spf_record(
      "v=spf1  +mx/24//64 a:%{d2}.example.org/0 ~ip4:192.0.2.0/24 ip6:2001:DB8::/32 ?ptr "
      "exists:%{i}.x.example. -ALL redirect=_spf.example.com exp=e.example.com moo=%{d}x ");
  ASSERT_TRUE(record) << record.error().text;
  ASSERT_EQ(record->mechanisms.size(), 7U);
  const auto& mx = record->mechanisms[0];
  EXPECT_EQ(mx.kind, SpfMechanism::Kind::mx);
  EXPECT_EQ(mx.prefix4, 24);
  EXPECT_EQ(mx.prefix6, 64);
  EXPECT_FALSE(mx.target);
  EXPECT_EQ(record->mechanisms[1].prefix4, 0);
  EXPECT_EQ(record->mechanisms[1].prefix6, 128);
  EXPECT_EQ(record->mechanisms[2].qualifier, SpfCode::softfail);
  EXPECT_EQ(record->mechanisms[2].network->to_string(), "192.0.2.0/24");
  EXPECT_EQ(record->mechanisms[3].network->to_string(), "2001:db8::/32");
  EXPECT_EQ(record->mechanisms[4].qualifier, SpfCode::neutral);
  EXPECT_EQ(record->mechanisms[6].qualifier, SpfCode::fail);
  EXPECT_EQ(record->mechanisms[6].text, "-ALL");
  EXPECT_TRUE(record->redirect);
  EXPECT_TRUE(record->explanation);
}

TEST(SpfRecord, Malformed) {
  for (const auto* const terms : {"al",
                                  "all:x.example",
                                  "all/8",
                                  "-",
                                  "+",
                                  "include",
                                  "include:",
                                  "include/24",
                                  "include:museum",
                                  "a/33",
                                  "a/024",
                                  "a/",
                                  "a//129",
                                  "a//",
                                  "a:example.com/24/24x",
                                  "a:",
                                  "a:a.123",
                                  "a:foo.com:8080",
                                  "mx:%{x}.example.com",
                                  "mx:example..com/",
                                  "ip4",
                                  "ip4:",
                                  "ip4:1.2.3",
                                  "ip4:1.2.3.4/33",
                                  "ip4:1.2.3.4/",
                                  "ip4:1.2.3.4/08",
                                  "ip4:::1",
                                  "ip4:::ffff:192.0.2.1",
                                  "ip6:1.2.3.4",
                                  "ip6::::",
                                  "ip6:::1/129",
                                  "exists",
                                  "exists:x",
                                  "ptr/24",
                                  "redirect=",
                                  "redirect=a.example redirect=b.example",
                                  "exp=a.example exp=a.example",
                                  "exp=x",
                                  "moo=%",
                                  "=x",
                                  "-redirect=a.example",
                                  "a:b\x80.example",
                                  "unknown:a.example",
                                  "\t",
                                  "%{d}"}) {
    EXPECT_FALSE(parse_spf_record("v=spf1 " + std::string(terms))) << terms;
  }
  EXPECT_FALSE(parse_spf_record("v=spf1 " + std::string(5000, ' ')));
}

TEST(SpfRecord, Tolerable) {
  for (const auto* const terms : {"", " ", "a//0", "a:x//y.example.com", "a.b_c-d=", "include:_x.%{d}", "x=a:b/c",
                                  "ip6:::ffff:192.0.2.1", "ip6:::ffff:192.0.2.0/120"}) {
    EXPECT_TRUE(parse_spf_record("v=spf1 " + std::string(terms))) << terms;
  }
}

}  // namespace
}  // namespace postern::policy
