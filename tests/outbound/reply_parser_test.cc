// SPDX-License-Identifier: Apache-2.0
#include "outbound/reply_parser.h"

#include <gtest/gtest.h>

namespace postern::outbound {
namespace {

using State = ReplyParser::State;

State feed(ReplyParser& parser, std::string_view bytes) {
  std::size_t used = 0;
  return parser.feed(bytes, used);
}

// RFC 5321 §4.2.1
TEST(ReplyParser, ReadsRepliesOfOneAndMoreLines) {
  struct Row {
    std::string text;
    std::uint16_t code;
    std::size_t lines;
    std::string joined;
  };
  const std::vector<Row> rows = {
      {"250 Ok\r\n", 250, 1, "Ok"},
      {"250\r\n", 250, 1, ""},
      {"250-\r\n250 \r\n", 250, 2, ""},
      {"220 host\n", 220, 1, "host"},
      {"550-5.1.1 No such\r\n550 5.1.1 user\r\n", 550, 2, "5.1.1 No such user"},
      {"299 odd but positive\r\n", 299, 1, "odd but positive"},
  };
  for (const auto& row : rows) {
    ReplyParser parser;
    ASSERT_EQ(feed(parser, row.text), State::done) << row.text;
    EXPECT_EQ(parser.reply().code, row.code) << row.text;
    EXPECT_EQ(parser.reply().lines.size(), row.lines) << row.text;
    EXPECT_EQ(parser.reply().text(), row.joined) << row.text;
  }
}

TEST(ReplyParser, LeavesWhatFollowsTheReply) {
  ReplyParser parser;
  std::size_t used = 0;
  EXPECT_EQ(parser.feed("250 a\r\n354 b\r\n", used), State::done);
  EXPECT_EQ(used, 7U);
}

TEST(ReplyParser, GoesOnWhereTheBytesWereCut) {
  ReplyParser parser;
  for (const char c : std::string_view("250-one\r\n250 two\r")) ASSERT_EQ(feed(parser, std::string_view(&c, 1)), State::more);
  EXPECT_EQ(feed(parser, "\n"), State::done);
  EXPECT_EQ(parser.reply().text(), "one two");
}

TEST(ReplyParser, RefusesWhatIsNoReply) {
  const std::vector<std::string> rows = {
      "\r\n",      "25\r\n",       "2500 x\r\n",         "150 x\r\n",  "650 x\r\n",       "abc x\r\n",
      "250_x\r\n", "HTTP/1.1\r\n", "250-a\r\n251 b\r\n", "-250 x\r\n", "\x16\x03\x01\r\n"};
  for (const auto& row : rows) {
    ReplyParser parser;
    EXPECT_EQ(feed(parser, row), State::broken) << row;
  }
}

TEST(ReplyParser, BoundsLinesAndSizes) {
  ReplyParser line;
  EXPECT_EQ(feed(line, "250 " + std::string(max_reply_line, 'x')), State::broken);
  ReplyParser lines;
  std::string flood;
  for (std::size_t i = 0; i < max_reply_lines; ++i) flood += "250-x\r\n";
  EXPECT_EQ(feed(lines, flood), State::broken);
  ReplyParser whole;
  std::string big;
  for (std::size_t i = 0; i < max_reply_lines - 1; ++i) big += "250-" + std::string(1000, 'x') + "\r\n";
  EXPECT_EQ(feed(whole, big), State::broken);
  ReplyParser endless;
  State state = State::more;
  for (std::size_t i = 0; i < 2 * max_reply_line && state == State::more; ++i) state = feed(endless, "2");
  EXPECT_EQ(state, State::broken);
}

TEST(Reply, GivesTheEnhancedCodeOnlyWhenItsClassFits) {
  struct Row {
    std::uint16_t code;
    std::string line;
    std::string enhanced;
  };
  for (const auto& row : std::vector<Row>{{550, "5.1.1 no", "5.1.1"},
                                          {550, "no", "5.0.0"},
                                          {450, "5.1.1 liar", "4.0.0"},
                                          {250, "2.1.5 ok", "2.1.5"},
                                          {421, "", "4.0.0"}}) {
    const Reply reply{row.code, {row.line}};
    EXPECT_EQ(reply.enhanced().to_string(), row.enhanced) << row.line;
  }
}

// security.md D80
TEST(OneLine, HoldsNothingThatEndsALine) {
  EXPECT_EQ(one_line("a\r\nb\tc\x1b[2J\0d"), "a  b c [2J");
  EXPECT_EQ(one_line("caf\xc3\xa9 \xff"), "caf\xc3\xa9 ?");
  EXPECT_LE(one_line(std::string(5000, 'x')).size(), 512U);
  EXPECT_TRUE(one_line(std::string(511, 'x') + "\xc3\xa9").ends_with('x'));
}

TEST(OutcomeOf, FollowsTheFirstDigit) {
  using Kind = mail::Outcome::Kind;
  const std::vector<std::pair<std::uint16_t, Kind>> rows = {{250, Kind::delivered}, {251, Kind::delivered}, {354, Kind::deferred},
                                                            {421, Kind::deferred},  {452, Kind::deferred},  {550, Kind::failed},
                                                            {599, Kind::failed}};
  for (const auto& [code, kind] : rows) {
    const auto outcome = outcome_of(Reply{code, {"x"}}, "mx.example");
    EXPECT_EQ(outcome.kind, kind) << code;
    EXPECT_EQ(outcome.remote_host, "mx.example");
  }
}

}  // namespace
}  // namespace postern::outbound
