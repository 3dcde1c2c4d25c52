// SPDX-License-Identifier: Apache-2.0
// Lines and literals: what is read, what is refused before it is read.
#include "imap/assembly.h"

namespace postern::imap {
namespace {

using Need = CommandAssembler::Need;
constexpr limits::CommandLimits small{100, 10, 60};

TEST(ImapAssembly, LiteralMarks) {
  struct Row {
    std::string line;
    std::optional<LiteralMark> mark;
  };
  const std::vector<Row> rows = {
      {"a NOOP", std::nullopt},
      {"a LOGIN {5}", LiteralMark{5, true, 3}},
      {"a LOGIN {5+}", LiteralMark{5, false, 4}},
      {"a {0}", LiteralMark{0, true, 3}},
      {"a {}", std::nullopt},
      {"a {+}", std::nullopt},
      {"a {5-}", std::nullopt},
      {"a {-5}", std::nullopt},
      {"a {5} ", std::nullopt},
      {"a 5}", std::nullopt},
      {"a {4294967296}", LiteralMark{4294967296, true, 12}},
      {"a {9223372036854775808+}", LiteralMark{9223372036854775808U, false, 22}},
      {"a {99999999999999999999999}", LiteralMark{UINT64_MAX, true, 25}},
  };
  for (const auto& row : rows) EXPECT_EQ(literal_mark(row.line), row.mark) << row.line;
}

TEST(ImapAssembly, PutsLiteralsInPlace) {
  CommandAssembler in(small);
  EXPECT_EQ(in.take_line("a LOGIN {3}"), Need::literal);
  in.text().append("bob");
  EXPECT_EQ(in.take_line(" {2+}"), Need::literal);
  in.text().append("pw");
  EXPECT_EQ(in.take_line(""), Need::complete);
  EXPECT_EQ(in.text(), "a LOGIN {3}\r\nbob {2+}\r\npw");
}

TEST(ImapAssembly, RefusesBeforeReading) {
  for (const std::string line : {"a LOGIN {11}", "a LOGIN {4294967296}", "a LOGIN {18446744073709551616}"}) {
    CommandAssembler in(small);
    EXPECT_EQ(in.take_line(line), Need::refused) << line;
    EXPECT_EQ(in.refusal().code, "TOOBIG");
  }
}

TEST(ImapAssembly, SumsUp) {
  CommandAssembler in(small);
  Need need = Need::literal;
  int literals = 0;
  for (; need == Need::literal && literals < 100; ++literals) {
    need = in.take_line(" {10}");
    in.text().append("0123456789");
  }
  EXPECT_EQ(need, Need::refused);
  EXPECT_LT(literals, 5);
}

TEST(ImapAssembly, MessageLiteralIsLeftToAppend) {
  CommandAssembler in(small);
  EXPECT_EQ(in.take_line("a append {5}"), Need::literal);
  EXPECT_FALSE(in.ends_in_message());
  in.text().append("INBOX");
  EXPECT_EQ(in.take_line(" (\\Seen) {5000000000}"), Need::message);
  EXPECT_TRUE(in.ends_in_message());
  EXPECT_EQ(in.mark()->size, 5000000000U);
  EXPECT_EQ(in.text(), "a append {5}\r\nINBOX (\\Seen) ");
}

}  // namespace
}  // namespace postern::imap
