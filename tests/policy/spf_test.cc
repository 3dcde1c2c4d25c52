// SPDX-License-Identifier: Apache-2.0
#include "policy/spf.h"

#include <gtest/gtest.h>

#include "async/executor.h"
#include "dns/zone.h"

namespace postern::policy {
namespace {

// RFC 7208 Appendix A.1
constexpr std::string_view appendix = R"(
  example.com.             MX    10 mail-a.example.com.
  example.com.             MX    20 mail-b.example.com.
  example.com.             A     192.0.2.10
  example.com.             A     192.0.2.11
  amy.example.com.         A     192.0.2.65
  bob.example.com.         A     192.0.2.66
  mail-a.example.com.      A     192.0.2.129
  mail-b.example.com.      A     192.0.2.130
  www.example.com.         CNAME example.com.
  example.org.             MX    10 mail-c.example.org.
  mail-c.example.org.      A     192.0.2.140
  10.2.0.192.in-addr.arpa. PTR   example.com.
  11.2.0.192.in-addr.arpa. PTR   example.com.
  65.2.0.192.in-addr.arpa. PTR   amy.example.com.
  66.2.0.192.in-addr.arpa. PTR   bob.example.com.
  129.2.0.192.in-addr.arpa. PTR  mail-a.example.com.
  130.2.0.192.in-addr.arpa. PTR  mail-b.example.com.
  140.2.0.192.in-addr.arpa. PTR  mail-c.example.org.
  4.0.0.10.in-addr.arpa.   PTR   bob.example.com.
)";

struct Asked {
  std::string_view ip = "192.0.2.1";
  std::string_view domain = "example.com";
  std::string_view local = "someone";
};

SpfResult check(dns::Resolver& zone, const Asked& asked) {
  SpfQuery query;
  query.ip = *IpAddress::parse(asked.ip);
  query.domain = asked.domain;
  query.local = asked.local;
  query.helo = "helo.example.net";
  query.receiver = "mx.example.edu";
  query.now = 1'000'000'000;
  return async::run_alone(check_spf(zone, query));
}

/// The result for one record of example.com in the appendix' zone.
SpfResult check(std::string_view record, std::string_view ip, std::string_view more = {}) {
  dns::Zone zone(appendix);
  zone.add("example.com. TXT \"" + std::string(record) + "\"");
  zone.add(more);
  return check(zone, {.ip = ip});
}

// RFC 7208 Appendix A.1: which addresses pass.
TEST(Spf, SimpleExamplesOfTheRfc) {
  struct Row {
    std::string_view record;
    std::string_view passing;
    std::string_view failing;
  };
  constexpr Row rows[] = {
      {"v=spf1 +all", "192.0.2.65 10.0.0.4 2001:db8::1", ""},
      {"v=spf1 a -all", "192.0.2.10 192.0.2.11", "192.0.2.65 2001:db8::1"},
      {"v=spf1 a:example.org -all", "", "192.0.2.10 192.0.2.140"},
      {"v=spf1 mx -all", "192.0.2.129 192.0.2.130", "192.0.2.10"},
      {"v=spf1 mx:example.org -all", "192.0.2.140", "192.0.2.129"},
      {"v=spf1 mx mx:example.org -all", "192.0.2.129 192.0.2.130 192.0.2.140", "192.0.2.10"},
      {"v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.128 192.0.2.131 192.0.2.140 192.0.2.143", "192.0.2.132 192.0.2.144"},
      {"v=spf1 ptr -all", "192.0.2.10 192.0.2.65 192.0.2.130", "192.0.2.140 10.0.0.4"},
      {"v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.129 192.0.2.140", "192.0.2.65"},
  };
  const auto each = [](std::string_view list, auto&& run) {
    while (!list.empty()) {
      const auto end = std::min(list.find(' '), list.size());
      run(list.substr(0, end));
      list.remove_prefix(std::min(list.size(), end + 1));
    }
  };
  for (const auto& row : rows) {
    each(row.passing, [&](auto ip) { EXPECT_EQ(check(row.record, ip).code, SpfCode::pass) << row.record << ' ' << ip; });
    each(row.failing, [&](auto ip) { EXPECT_EQ(check(row.record, ip).code, SpfCode::fail) << row.record << ' ' << ip; });
  }
}

// RFC 7208 Appendix A.2 to A.4
TEST(Spf, LargerExamplesOfTheRfc) {
  dns::Zone zone(appendix);
  zone.add(R"(
    example.org.       TXT "v=spf1 include:example.com include:example.net -all"
    example.com.       TXT "v=spf1 mx -all"
    example.net.       TXT "v=spf1 ip4:198.51.100.7 -all"
    la.example.org.    TXT "v=spf1 redirect=example.org"
    mobile-users._spf.example.com. A 127.0.0.2
    mary.mobile-users._spf.example.com. A 127.0.0.2
    *.remote-users._spf.example.com. A 127.0.0.2
    15.15.168.192.joel.remote-users._spf.example.com. A 127.0.0.2
    users.example.com. TXT "v=spf1 mx include:mobile-users._spf.%{d2} include:remote-users._spf.%{d2} -all"
    users.example.com. MX 10 mail-a.example.com.
    mobile-users._spf.example.com. TXT "v=spf1 exists:%{l1r+}.%{d}"
    remote-users._spf.example.com. TXT "v=spf1 exists:%{ir}.%{l1r+}.%{d}"
  )");
  EXPECT_EQ(check(zone, {"192.0.2.129", "example.org"}).code, SpfCode::pass);
  EXPECT_EQ(check(zone, {"198.51.100.7", "example.org"}).code, SpfCode::pass);
  EXPECT_EQ(check(zone, {"192.0.2.140", "example.org"}).code, SpfCode::fail);
  EXPECT_EQ(check(zone, {"198.51.100.7", "la.example.org"}).code, SpfCode::pass);
  EXPECT_EQ(check(zone, {"192.0.2.140", "la.example.org"}).mechanism, "-all");
  EXPECT_EQ(check(zone, {"10.0.0.1", "users.example.com", "mary"}).code, SpfCode::pass);
  EXPECT_EQ(check(zone, {"192.168.15.15", "users.example.com", "joel+tag"}).code, SpfCode::pass);
}

TEST(Spf, Results) {
  struct Row {
    std::string_view record;
    SpfCode code;
    std::string_view mechanism;
  };
  constexpr Row rows[] = {
      {"v=spf1", SpfCode::neutral, ""},
      {"v=spf1 ?all", SpfCode::neutral, "?all"},
      {"v=spf1 ~all", SpfCode::softfail, "~all"},
      {"v=spf1 a:broken.example.com -all", SpfCode::temperror, ""},
      {"v=spf1 mx:broken.example.com -all", SpfCode::temperror, ""},
      {"v=spf1 include:broken.example.com -all", SpfCode::temperror, ""},
      {"v=spf1 ptr:example.com -all", SpfCode::pass, "ptr:example.com"},
      {"v=spf1 include:nothing.example.com -all", SpfCode::permerror, ""},
      {"v=spf1 redirect=nothing.example.com", SpfCode::permerror, ""},
      {"v=spf1 -all redirect=nothing.example.com", SpfCode::fail, "-all"},
      {"v=spf1 +all wrong:x.example", SpfCode::permerror, ""},
      {"v=spf1 a:bad..name.example.com -all", SpfCode::fail, "-all"},
      {"v=spf1 exists:%{l}.%{d} -all", SpfCode::fail, "-all"},
      {"v=spf1 exists:amy.%{d} -all", SpfCode::pass, "exists:amy.%{d}"},
      {"v=spf1 exists:%{p}.%{v}.example.com -all", SpfCode::fail, "-all"},
      {"v=spf1 a:%{p} -all", SpfCode::pass, "a:%{p}"},
      {"v=spf1 ip6:2001:db8::/32 ip4:192.0.2.64/32 -all", SpfCode::fail, "-all"},
  };
  for (const auto& row : rows) {
    const auto result = check(row.record, "192.0.2.65", "broken.example.com. SERVFAIL");
    EXPECT_EQ(result.code, row.code) << row.record << ": " << result.problem;
    EXPECT_EQ(result.mechanism, row.mechanism) << row.record;
    EXPECT_EQ(result.problem.empty(), result.code < SpfCode::temperror) << row.record;
  }
}

TEST(Spf, NoRecordOrTwo) {
  dns::Zone zone(appendix);
  zone.add(R"(
    two.example.com. TXT "v=spf1 +all"
    two.example.com. TXT "v=spf1 -all"
    other.example.com. TXT "something else"
    slow.example.com. TIMEOUT )");
  EXPECT_EQ(check(zone, {.domain = "example.com"}).code, SpfCode::none);
  EXPECT_EQ(check(zone, {.domain = "other.example.com"}).code, SpfCode::none);
  EXPECT_EQ(check(zone, {.domain = "no.such.example.com"}).code, SpfCode::none);
  EXPECT_EQ(check(zone, {.domain = "two.example.com"}).code, SpfCode::permerror);
  EXPECT_EQ(check(zone, {.domain = "slow.example.com"}).code, SpfCode::temperror);
  for (const auto* const name : {"localhost", "", "a..b", ".", "[192.0.2.1]"}) {
    EXPECT_EQ(check(zone, {.domain = name}).code, SpfCode::none) << name;
  }
}

TEST(Spf, Ipv6) {
  dns::Zone zone(R"(
    six.example.       TXT  "v=spf1 a//64 mx -all"
    six.example.       AAAA 2001:db8:1::1
    six.example.       A    192.0.2.1
    six.example.       MX   10 mx.six.example.
    mx.six.example.    AAAA 2001:db8:2::2
    exists.example.    TXT  "v=spf1 exists:%{ir}.%{v}.e.example -all"
    1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.e.example. A 127.0.0.2
  )");
  EXPECT_EQ(check(zone, {"2001:db8:1::99", "six.example"}).code, SpfCode::pass);
  EXPECT_EQ(check(zone, {"2001:db8:1:1::99", "six.example"}).code, SpfCode::fail);
  EXPECT_EQ(check(zone, {"2001:db8:2::2", "six.example"}).code, SpfCode::pass);
  EXPECT_EQ(check(zone, {"2001:db8:2::3", "six.example"}).code, SpfCode::fail);
  EXPECT_EQ(check(zone, {"192.0.2.1", "six.example"}).code, SpfCode::pass);
  EXPECT_EQ(check(zone, {"2001:db8::1", "exists.example"}).code, SpfCode::pass);
}

TEST(Spf, Explanation) {
  const std::string_view texts = R"(
    why.example.com.   TXT "%{i} is not %{d}'s (%{S}), says %{r}"
    two.example.com.   TXT "one"
    two.example.com.   TXT "two"
    wrong.example.com. TXT "%{x}"
    broken.example.com. SERVFAIL
    other.example.com. TXT "v=spf1 -all exp=why.example.com"
  )";
  struct Row {
    std::string_view record;
    std::string_view explanation;
  };
  constexpr Row rows[] = {
      {"v=spf1 -all exp=why.%{d}", "192.0.2.1 is not example.com's (someone%40example.com), says mx.example.edu"},
      {"v=spf1 ~all exp=why.%{d}", ""},
      {"v=spf1 -all exp=two.%{d}", ""},
      {"v=spf1 -all exp=wrong.%{d}", ""},
      {"v=spf1 -all exp=broken.%{d}", ""},
      {"v=spf1 -all exp=nothing.%{d}", ""},
      {"v=spf1 include:other.example.com -all", ""},
      {"v=spf1 redirect=other.example.com exp=two.example.com",
       "192.0.2.1 is not other.example.com's (someone%40example.com), says mx.example.edu"},
  };
  for (const auto& row : rows) EXPECT_EQ(check(row.record, "192.0.2.1", texts).explanation, row.explanation) << row.record;
}

// What ends in a reply line is short, whatever is published; the sender without a name is postmaster (RFC 7208 §4.3).
TEST(Spf, ExplanationsAreShortAndNameSomebody) {
  dns::Zone zone("example.com. TXT \"v=spf1 -all exp=why.example.com\"\n");
  zone.add("why.example.com. TXT \"%{l}" + std::string(200, 'x') + "\" \"" + std::string(250, 'y') + "\"\n");
  const auto explanation = check(zone, {.local = ""}).explanation;
  EXPECT_EQ(explanation.size(), 400U);
  EXPECT_TRUE(explanation.starts_with("postmasterxxx")) << explanation;
}

// RFC 7208 §7.3: of several names that lead back, the domain itself, else one below it, else any.
TEST(Spf, TheValidatedNameIsTheNearest) {
  struct Row {
    std::string_view names, validated;
  };
  for (const auto& row : {Row{"a.elsewhere.test mail.example.com example.com", "example.com"},
                          {"a.elsewhere.test mail.example.com", "mail.example.com"},
                          {"a.elsewhere.test", "a.elsewhere.test"},
                          {"", "unknown"}}) {
    dns::Zone zone("example.com. TXT \"v=spf1 -all exp=why.example.com\"\nwhy.example.com. TXT \"%{p}\"\n");
    for (auto rest = row.names; !rest.empty();
         rest.remove_prefix(std::min(rest.size(), rest.find(' ')) + (rest.contains(' ') ? 1 : 0))) {
      const std::string name(rest.substr(0, rest.find(' ')));
      zone.add("1.2.0.192.in-addr.arpa. PTR " + name + ".\n" + name + ". A 192.0.2.1\n");
    }
    EXPECT_EQ(check(zone, {}).explanation, row.validated) << row.names;
  }
}

// RFC 7208 §4.6.4, security.md D47
TEST(Spf, Limits) {
  std::string ten = "v=spf1";
  for (int i = 0; i < 10; ++i) ten += " a:mail-a.example.com";
  EXPECT_EQ(check(ten + " -all", "192.0.2.1").code, SpfCode::fail);
  const auto eleven = check(ten + " a:mail-a.example.com -all", "192.0.2.1");
  EXPECT_EQ(eleven.code, SpfCode::permerror);
  EXPECT_EQ(eleven.lookups, 10U);
  EXPECT_EQ(check("v=spf1 a:v1.example.com mx:v2.example.com -all", "192.0.2.1").code, SpfCode::fail);
  EXPECT_EQ(check("v=spf1 a:v1.example.com mx:v2.example.com exists:v3.example.com -all", "192.0.2.1").code, SpfCode::permerror);
  std::string hosts;
  for (int i = 0; i < 11; ++i) hosts += "many.example.com. MX 10 h" + std::to_string(i) + ".example.com.\n";
  EXPECT_EQ(check("v=spf1 mx:many.example.com -all", "192.0.2.1", hosts).code, SpfCode::permerror);
  for (int i = 0; i < 11; ++i) hosts += "h" + std::to_string(i) + ".example.com. A 192.0.2.200\n";
  EXPECT_EQ(check("v=spf1 mx:many.example.com -all", "192.0.2.1", hosts).problem, "many.example.com has more than 10 MX hosts");
}

TEST(Spf, LoopsAndChainsEnd) {
  dns::Zone zone(R"(
    loop.example. TXT "v=spf1 include:loop.example -all"
    round.example. TXT "v=spf1 redirect=trip.example"
    trip.example. TXT "v=spf1 redirect=round.example"
    fork.example. TXT "v=spf1 include:fork.example include:fork.example include:fork.example -all"
    mxself.example. TXT "v=spf1 mx redirect=mxself.example"
  )");
  for (const auto* const name : {"loop.example", "round.example", "fork.example", "mxself.example"}) {
    const auto before = zone.queries();
    EXPECT_EQ(check(zone, {.domain = name}).code, SpfCode::permerror) << name;
    EXPECT_LE(zone.queries() - before, 24U) << name;
  }
}

TEST(Spf, TenthPtrNameIsTheLast) {
  for (const auto& [good, code] : {std::pair(10, SpfCode::pass), {11, SpfCode::fail}}) {
    dns::Zone zone("many.example. TXT \"v=spf1 ptr:good.example -all\"");
    for (int i = 1; i <= 12; ++i) {
      const std::string name = "h" + std::to_string(i) + (i == good ? ".good.example." : ".bad.example.");
      zone.add("1.2.0.192.in-addr.arpa. PTR " + name + "\n" + name + " A 192.0.2.1\n");
    }
    EXPECT_EQ(check(zone, {.domain = "many.example"}).code, code) << good;
    EXPECT_LE(zone.queries(), 12U);
  }
}

TEST(Spf, HostileLocalParts) {
  dns::Zone zone(
      "example.com. TXT \"v=spf1 exists:%{l}.x.example.com exists:%{L}.y.example.com -all exp=why.example.com\"\n"
      "why.example.com. TXT \"no: %{l}\"\n");
  for (const std::string& local : {std::string("a..b"), std::string("\r\nx: y"), std::string("\0", 1), std::string(64, '.'),
                                   std::string("%{l}"), std::string("\xff\xfe")}) {
    const auto result = check(zone, {.local = local});
    EXPECT_EQ(result.code, SpfCode::fail) << local;
    for (const char c : result.explanation) EXPECT_TRUE(c >= ' ' && c < 0x7f);
  }
}

}  // namespace
}  // namespace postern::policy
