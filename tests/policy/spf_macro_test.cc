// SPDX-License-Identifier: Apache-2.0
#include "policy/spf_macro.h"

#include <gtest/gtest.h>

namespace postern::policy {
namespace {

MacroValues example(std::string_view ip = "192.0.2.3") {
  MacroValues values;
  values.local = "strong-bad";
  values.sender = "email.example.com";
  values.domain = "email.example.com";
  values.helo = "mx.example.org";
  values.validated = "mx.example.org";
  values.receiver = "receiver.example";
  values.ip = *IpAddress::parse(ip);
  values.now = 1'000'000'000;
  return values;
}

std::string expanded(std::string_view text, const MacroValues& values, MacroPlace place = MacroPlace::name) {
  const auto macros = parse_macros(text, place);
  if (!macros) return "invalid: " + macros.error().text;
  const auto out = place == MacroPlace::name ? expand_name(*macros, values) : expand(*macros, values);
  return out ? *out : "error: " + out.error().text;
}

// RFC 7208 §7.4
TEST(SpfMacro, ExamplesOfTheRfc) {
  struct Row {
    std::string_view text;
    std::string_view out;
  };
  constexpr Row rows[] = {
      {"%{s}", "strong-bad@email.example.com"},
      {"%{o}", "email.example.com"},
      {"%{d}", "email.example.com"},
      {"%{d4}", "email.example.com"},
      {"%{d3}", "email.example.com"},
      {"%{d2}", "example.com"},
      {"%{d1}", "com"},
      {"%{dr}", "com.example.email"},
      {"%{d2r}", "example.email"},
      {"%{l}", "strong-bad"},
      {"%{l-}", "strong.bad"},
      {"%{lr}", "strong-bad"},
      {"%{lr-}", "bad.strong"},
      {"%{l1r-}", "strong"},
      {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
      {"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
      {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
      {"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
      {"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
  };
  for (const auto& row : rows) EXPECT_EQ(expanded(row.text, example()), row.out) << row.text;
  EXPECT_EQ(expanded("%{ir}.%{v}._spf.%{d2}", example("2001:db8::cb01")),
            "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com");
}

TEST(SpfMacro, Explanations) {
  EXPECT_EQ(expanded("%{c} is not one of %{d}'s; %{r} %{t}", example(), MacroPlace::explanation),
            "192.0.2.3 is not one of email.example.com's; receiver.example 1000000000");
  EXPECT_EQ(expanded("%%%_%-%{h}", example(), MacroPlace::explanation), "% %20mx.example.org");
  EXPECT_EQ(expanded("%{S}", example(), MacroPlace::explanation), "strong-bad%40email.example.com");
}

TEST(SpfMacro, Malformed) {
  for (const auto* const text : {"%", "%{", "%{}", "%{x}", "%{d", "%{d0}", "%{d1rr}", "%{d;}", "%a", "%{c}.example", "%{t}",
                                 "a b", "\x80.example", "%{dr1}", "a\tb"}) {
    EXPECT_FALSE(parse_macros(text, MacroPlace::name)) << text;
  }
  EXPECT_TRUE(parse_macros("%{d128}", MacroPlace::name));
  EXPECT_TRUE(parse_macros("%{d99999999999999999999}", MacroPlace::name));
}

TEST(SpfMacro, DomainEnd) {
  struct Row {
    std::string_view text;
    bool right;
  };
  constexpr Row rows[] = {{"example.com", true}, {"example.com.", true}, {"%{d}", true},
                          {"%{d}.com", true},    {"museum", false},      {"", false},
                          {"a.123", false},      {"a.b-", false},        {"%{d}com", false},
                          {"a.com:8080", false}, {"a.1x", true},         {"a.b-c", true}};
  for (const auto& row : rows) {
    EXPECT_EQ(ends_like_a_domain(*parse_macros(row.text, MacroPlace::name)), row.right) << row.text;
  }
}

// security.md D47
TEST(SpfMacro, HostileLengths) {
  auto values = example();
  const std::string label(60, 'x');
  const std::string local = label + '.' + label + '.' + label + '.' + label + '.' + label;
  values.local = local;
  EXPECT_EQ(expanded("%{l}.example.com", values), label + '.' + label + '.' + label + ".example.com");
  std::string bomb;
  for (int i = 0; i < 1000; ++i) bomb += "%{l}";
  EXPECT_TRUE(expanded(bomb, values).starts_with("error: ")) << "an expansion without limit";
  const std::string endless(300, 'y');
  values.local = endless;
  EXPECT_TRUE(expanded("%{l}", values).starts_with("error: "));
}

}  // namespace
}  // namespace postern::policy
