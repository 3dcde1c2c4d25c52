// SPDX-License-Identifier: Apache-2.0
#include "pop3/grammar.h"

#include <gtest/gtest.h>

namespace postern::pop3 {
namespace {

TEST(Pop3Grammar, CommandsAreThreeOrFourLetters) {
  struct Case {
    std::string_view line;
    std::string_view verb;  // "" = refused
    std::string_view argument;
  };
  const Case cases[] = {
      {"QUIT", "QUIT", ""},
      {"user alice", "USER", "alice"},
      {"PASS two  words ", "PASS", "two  words "},
      {"TOP 1 0", "TOP", "1 0"},
      {"", "", ""},
      {" STAT", "", ""},
      {"AB", "", ""},
      {"STATS", "", ""},
      {"GET / HTTP/1.1", "GET", "/ HTTP/1.1"},
      {"LIST\t1", "", ""},
      {"\x16\x03\x01", "", ""},
  };
  for (const auto& c : cases) {
    const auto command = parse_command(c.line);
    ASSERT_EQ(command.has_value(), !c.verb.empty()) << c.line;
    if (!command) continue;
    EXPECT_EQ(command->verb, c.verb);
    EXPECT_EQ(command->argument, c.argument);
  }
}

TEST(Pop3Grammar, MessageNumbers) {
  EXPECT_EQ(parse_number("1"), 1u);
  EXPECT_EQ(parse_number("2147483647"), 2147483647u);
  for (const auto* bad : {"", "0", "-1", "+1", "1 ", "2147483648", "99999999999999999999", "0x1", "1a"}) {
    EXPECT_FALSE(parse_number(bad)) << bad;
  }
}

TEST(Pop3Grammar, DotStuffingDoesNotDependOnHowInputIsCut) {
  struct Case {
    std::string_view in;
    std::string_view out;
  };
  const Case cases[] = {
      {"", ".\r\n"},
      {"a\r\n", "a\r\n.\r\n"},
      {"a", "a\r\n.\r\n"},
      {"a\r", "a\r\n.\r\n"},
      {".\r\n", "..\r\n.\r\n"},
      {"a\r\n.b\r\n..\r\n", "a\r\n..b\r\n...\r\n.\r\n"},
      {"bare\n.lf\n", "bare\r\n..lf\r\n.\r\n"},
      {"x.\r\n", "x.\r\n.\r\n"},
  };
  for (const auto& c : cases) {
    for (std::size_t cut = 0; cut <= c.in.size(); ++cut) {
      DotStuffer stuffer;
      std::string out;
      stuffer.append(c.in.substr(0, cut), out);
      stuffer.append(c.in.substr(cut), out);
      stuffer.finish(out);
      EXPECT_EQ(out, c.out) << c.in << " cut at " << cut;
    }
  }
}

TEST(Pop3Grammar, TopEndsAfterTheWantedLines) {
  const std::string message = "A: 1\r\nB: 2\r\n\r\none\r\ntwo\r\nthree\r\n";
  struct Case {
    std::uint64_t lines;
    std::string_view end;
  };
  const Case cases[] = {{0, "B: 2\r\n\r\n"}, {1, "one\r\n"}, {2, "two\r\n"}, {3, "three\r\n"}, {99, "three\r\n"}};
  for (const auto& c : cases) {
    const auto expected = message.substr(0, message.find(c.end) + c.end.size());
    for (std::size_t cut = 0; cut <= message.size(); ++cut) {
      TopCutter cutter(c.lines);
      std::string out(cutter.take(std::string_view(message).substr(0, cut)));
      out += cutter.take(std::string_view(message).substr(cut));
      EXPECT_EQ(out, expected) << c.lines << " lines, cut at " << cut;
    }
  }
}

}  // namespace
}  // namespace postern::pop3
