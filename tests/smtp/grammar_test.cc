// SPDX-License-Identifier: Apache-2.0
// Tables for the command grammar.
#include "smtp/grammar.h"

#include <gtest/gtest.h>

namespace postern::smtp {
namespace {

constexpr ParameterSet everything{true, true, true, true, true, true, 1000, 1000 + 86'400};

TEST(Grammar, SplitsCommandLines) {
  struct Row {
    std::string_view line, verb, arguments;
  };
  for (const auto& row : std::initializer_list<Row>{
           {"NOOP", "NOOP", ""}, {"NOOP ", "NOOP", ""}, {"MAIL FROM:<>  ", "MAIL", "FROM:<>"}, {"", "", ""}, {" X", "", "X"}}) {
    const auto line = split_command(row.line);
    EXPECT_EQ(line.verb, row.verb) << row.line;
    EXPECT_EQ(line.arguments, row.arguments) << row.line;
  }
}

TEST(Grammar, TakesMail) {
  const auto parsed =
      parse_mail("FROM:<a@b.example> SIZE=1234 BODY=8BITMIME RET=FULL ENVID=x+3Dy REQUIRETLS AUTH=a+40b", everything);
  ASSERT_TRUE(parsed);
  const auto& envelope = parsed->envelope;
  EXPECT_EQ(envelope.sender->to_string(), "a@b.example");
  EXPECT_EQ(envelope.declared_size, 1234U);
  EXPECT_EQ(envelope.body, mail::BodyType::eight_bit_mime);
  EXPECT_EQ(envelope.ret, mail::Return::full);
  EXPECT_EQ(envelope.envid, "x=y");
  EXPECT_TRUE(envelope.require_tls);
}

TEST(Grammar, RefusesMail) {
  struct Row {
    std::string_view arguments;
    std::uint16_t code;
  };
  for (const auto& row : std::initializer_list<Row>{{"", 501},
                                                    {"FROM", 501},
                                                    {"FROM:", 501},
                                                    {"FROM:a@b.example", 501},
                                                    {"FROM:<a@b.example", 553},
                                                    {"FROM:<a@b.example>x", 501},
                                                    {"FROM:<a b@c.example>", 553},
                                                    {"FROM:<a@b.example> SIZE", 501},
                                                    {"FROM:<a@b.example> SIZE=", 501},
                                                    {"FROM:<a@b.example> SIZE=1x", 501},
                                                    {"FROM:<a@b.example> SIZE=111111111111111111111", 501},
                                                    {"FROM:<a@b.example> BODY", 501},
                                                    {"FROM:<a@b.example> RET=FULL RET=FULL", 501},
                                                    {"FROM:<a@b.example> SMTPUTF8=1", 501},
                                                    {"FROM:<a@b.example> SMTPUTF8 SMTPUTF8", 501},
                                                    {"FROM:<a@b.example> ENVID=+zz", 501},
                                                    {"FROM:<a@b.example> ENVID=+3d", 501},
                                                    {"FROM:<a@b.example> ENVID=a+00", 501},
                                                    {"FROM:<a@b.example> =x", 501},
                                                    {"FROM:<a@b.example> -X=x", 501},
                                                    {"FROM:<a@b.example> X=\x01", 501},
                                                    {"FROM:<a@b.example> UNKNOWN", 555},
                                                    {"FROM:<\xc3\xa4@b.example>", 553},
                                                    {"FROM:<a@b\xc3\xa4.example>", 553},
                                                    {"FROM:<\xff@b.example> SMTPUTF8", 553}}) {
    const auto parsed = parse_mail(row.arguments, everything);
    ASSERT_FALSE(parsed) << row.arguments;
    EXPECT_EQ(parsed.error().code, row.code) << row.arguments;
  }
}

TEST(Grammar, RefusesParametersThatWereNotOffered) {
  for (const char* parameter : {"SIZE=1", "BODY=7BIT", "SMTPUTF8", "RET=FULL", "ENVID=a", "REQUIRETLS", "AUTH=<>"}) {
    const auto parsed = parse_mail(std::string("FROM:<a@b.example> ") + parameter, {});
    ASSERT_FALSE(parsed) << parameter;
    EXPECT_EQ(parsed.error().code, 555) << parameter;
  }
  EXPECT_EQ(parse_rcpt("TO:<a@b.example> NOTIFY=NEVER", {}, false).error().code, 555);
}

TEST(Grammar, KnowsLimitsOfEnvidAndOrcpt) {
  const auto envid = [](std::size_t n) { return parse_mail("FROM:<> ENVID=" + std::string(n, 'x'), everything).has_value(); };
  EXPECT_TRUE(envid(max_envid));
  EXPECT_FALSE(envid(max_envid + 1));
  const auto orcpt = [](std::size_t n) {
    return parse_rcpt("TO:<a@b.example> ORCPT=rfc822;" + std::string(n - 7, 'x'), everything, false).has_value();
  };
  EXPECT_TRUE(orcpt(max_orcpt));
  EXPECT_FALSE(orcpt(max_orcpt + 1));
}

TEST(Grammar, TakesRcpt) {
  const auto parsed = parse_rcpt("TO:<b@c.example> NOTIFY=success,DELAY ORCPT=rfc822;b+2Bx@c.example", everything, false);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->recipient->address.to_string(), "b@c.example");
  EXPECT_EQ(parsed->recipient->notify, mail::notify_success | mail::notify_delay);
  EXPECT_EQ(parsed->recipient->orcpt, "rfc822;b+2Bx@c.example");
  EXPECT_FALSE(parse_rcpt("TO:<postMASTER>", everything, false)->recipient);
  EXPECT_TRUE(parse_rcpt("TO:<\xc3\xa4@b.example>", everything, true));
  EXPECT_EQ(parse_rcpt("TO:<\xc3\xa4@b.example>", everything, false).error().enhanced.to_string(), "5.6.7");
}

TEST(Grammar, RefusesRcpt) {
  for (const char* arguments :
       {"TO:<a@b.example> NOTIFY", "TO:<a@b.example> NOTIFY=", "TO:<a@b.example> NOTIFY=,", "TO:<a@b.example> NOTIFY=NEVER,NEVER",
        "TO:<a@b.example> NOTIFY=SUCCESS NOTIFY=SUCCESS", "TO:<a@b.example> ORCPT=;x", "TO:<a@b.example> ORCPT=rfc822;",
        "TO:<a@b.example> ORCPT=rfc822;+0", "TO:<a@b.example> ORCPT=rfc822;+0A"}) {
    const auto parsed = parse_rcpt(arguments, everything, false);
    ASSERT_FALSE(parsed) << arguments;
    EXPECT_EQ(parsed.error().code, 501) << arguments;
  }
}

TEST(Grammar, TakesBdat) {
  EXPECT_EQ(parse_bdat("0")->size, 0U);
  EXPECT_FALSE(parse_bdat("12")->last);
  EXPECT_TRUE(parse_bdat("12 last")->last);
  EXPECT_EQ(parse_bdat("18446744073709551615")->size, UINT64_MAX);
  for (const char* bad : {"", "x", "-1", "+1", "1x", "1  LAST", "1 LAST ", "1 LASTX", "18446744073709551616", "LAST"}) {
    EXPECT_FALSE(parse_bdat(bad)) << bad;
  }
}

TEST(Grammar, TakesAuth) {
  EXPECT_EQ(parse_auth("plain")->mechanism, "PLAIN");
  EXPECT_FALSE(parse_auth("PLAIN")->initial);
  EXPECT_EQ(parse_auth("PLAIN =")->initial, "=");
  EXPECT_EQ(parse_auth("SCRAM-SHA-256 biws")->initial, "biws");
  for (const char* bad : {"", "=", "A B C", "PLAIN ", "ABCDEFGHIJKLMNOPQRSTU", "PL/AIN"}) EXPECT_FALSE(parse_auth(bad)) << bad;
}

TEST(Grammar, TakesHello) {
  for (const char* good : {"client.example", "[192.0.2.1]", "[IPv6:2001:db8::1]", "x", "my_host", "1.2.3.4"}) {
    EXPECT_TRUE(parse_hello(good)) << good;
  }
  EXPECT_FALSE(parse_hello(std::string(max_hello + 1, 'x')));
  for (const char* bad : {"", "a b", "a(b", "a\tb", "<a>", "a;b", "a\"b", "\xc3\xa4"}) EXPECT_FALSE(parse_hello(bad)) << bad;
  EXPECT_FALSE(parse_hello(std::string_view("a\0b", 3)));
}

TEST(Grammar, DecodesXtext) {
  EXPECT_EQ(decode_xtext("a+2Bb"), "a+b");
  EXPECT_EQ(decode_xtext(""), "");
  for (const char* bad : {"+", "+2", "+2b", "+GG", "a b", "a=b", "\xc3"}) EXPECT_FALSE(decode_xtext(bad)) << bad;
}

TEST(Grammar, TakesTimesOfRfc3339) {
  const std::initializer_list<std::pair<std::string_view, std::optional<std::int64_t>>> rows{
      {"1970-01-01T00:00:00Z", 0},          {"2026-11-22T16:00:00Z", 1795363200},
      {"2024-02-29t00:00:01z", 1709164801}, {"2026-11-22T16:00:00.25Z", 1795363200},
      {"2026-02-29T00:00:00Z", {}},         {"2026-11-22T24:00:00Z", {}},
      {"2026-11-22T16:00:00", {}},          {"2026-11-22T16:00:00+01:00", {}},
      {"2026-11-22 16:00:00Z", {}},         {"2026-11-22T16:00:00.Z", {}},
      {"2026-13-01T00:00:00Z", {}},         {"26-11-22T16:00:00Z", {}},
      {"2026-11-22T16:00:00Zx", {}},        {"", {}},
      {"2026-11-22T1a:00:00Z", {}}};
  for (const auto& [text, time] : rows) EXPECT_EQ(parse_utc(text), time) << text;
}

TEST(Grammar, TakesHolds) {
  struct Row {
    std::string_view parameters;
    std::int64_t until;  ///< 0: refused
  };
  for (const auto& row : std::initializer_list<Row>{{"HOLDFOR=60", 1060},
                                                    {"holdfor=86400", 87400},
                                                    {"HOLDFOR=86401", 0},
                                                    {"HOLDFOR=0", 0},
                                                    {"HOLDFOR=060", 0},
                                                    {"HOLDFOR=1234567890", 0},
                                                    {"HOLDFOR=-5", 0},
                                                    {"HOLDFOR=", 0},
                                                    {"HOLDFOR", 0},
                                                    {"HOLDFOR=6x", 0},
                                                    {"HOLDUNTIL=1970-01-02T00:00:00Z", 86400},
                                                    {"HOLDUNTIL=1970-01-01T00:00:01Z", 1000},
                                                    {"HOLDUNTIL=1970-01-03T00:00:00Z", 0},
                                                    {"HOLDUNTIL=tomorrow", 0},
                                                    {"HOLDUNTIL", 0},
                                                    {"HOLDFOR=60 HOLDUNTIL=1970-01-02T00:00:00Z", 0},
                                                    {"HOLDFOR=60 HOLDFOR=60", 0}}) {
    const auto parsed = parse_mail("FROM:<a@b.example> " + std::string(row.parameters), everything);
    EXPECT_EQ(parsed ? parsed->envelope.hold_until : 0, row.until) << row.parameters;
    if (!parsed) EXPECT_EQ(parsed.error().code, 501) << row.parameters;
  }
  auto without = everything;
  without.hold_until = 0;
  EXPECT_EQ(parse_mail("FROM:<a@b.example> HOLDFOR=60", without).error().code, 555);
}

}  // namespace
}  // namespace postern::smtp
