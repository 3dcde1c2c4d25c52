// SPDX-License-Identifier: Apache-2.0
// Tokens, good and broken, with the exact fault a client is told.
#include "imap/grammar.h"

namespace postern::imap {
namespace {

/// The text a row gives, or "!" and the fault.
std::string outcome(const Parser& in, std::string value) { return in.ok() ? value : "!" + in.fault().text; }

struct TextRow {
  std::string in;
  std::string out;
};

TEST(ImapGrammar, Astring) {
  const std::vector<TextRow> rows = {
      {"INBOX", "INBOX"},
      {"a]b", "a]b"},
      {"\"a b\"", "a b"},
      {R"("a\"b\\c")", "a\"b\\c"},
      {"\"\"", ""},
      {"{3}\r\nabc", "abc"},
      {"{3+}\r\nabc", "abc"},
      {"{0}\r\n", ""},
      {"{5}\r\na\r\nb\"", "a\r\nb\""},
      {"", "!Expected a string at position 1"},
      {"(", "!Expected a string at position 1"},
      {"%", "!Expected a string at position 1"},
      {"\"abc", "!Broken quoted string at position 5"},
      {R"("a\b")", "!Broken quoted string at position 4"},
      {"\"a\rb\"", "!Broken quoted string at position 3"},
      {std::string("\"a\0b\"", 5), "!Broken quoted string at position 3"},
      {"{4}\r\nabc", "!Broken literal at position 6"},
      {"{3}abc", "!Broken literal at position 3"},
      {"{}\r\n", "!Broken literal at position 2"},
      {"{99999999999999999999}\r\n", "!Broken literal at position 2"},
      {std::string("{3}\r\na\0b", 8), "!NUL in a literal at position 9"},
  };
  for (const auto& row : rows) {
    Parser in(row.in);
    const auto value = in.astring();
    EXPECT_EQ(outcome(in, value), row.out) << row.in;
  }
}

TEST(ImapGrammar, NstringAndNil) {
  Parser nil("NIL");
  EXPECT_EQ(nil.nstring(), std::nullopt);
  EXPECT_TRUE(nil.ok());
  Parser quoted("\"NIL\"");
  EXPECT_EQ(quoted.nstring(), "NIL");
  Parser longer("NILS");
  longer.nstring();
  EXPECT_FALSE(longer.ok());
}

TEST(ImapGrammar, Numbers) {
  const std::vector<TextRow> rows = {{"0", "!Expected a number above 0 at position 1"},
                                     {"1", "1"},
                                     {"4294967295", "4294967295"},
                                     {"4294967296", "!Expected a number at position 1"},
                                     {"-1", "!Expected a number at position 1"},
                                     {"", "!Expected a number at position 1"}};
  for (const auto& row : rows) {
    Parser in(row.in);
    const auto value = in.nz_number();
    EXPECT_EQ(outcome(in, std::to_string(value)), row.out) << row.in;
  }
  Parser most("9223372036854775807");
  EXPECT_EQ(most.mod_sequence(), 9223372036854775807U);
  Parser more("9223372036854775808");
  more.mod_sequence();
  EXPECT_FALSE(more.ok());
}

TEST(ImapGrammar, Flags) {
  struct Row {
    std::string in;
    FlagList out;
    bool ok = true;
  };
  const std::vector<Row> rows = {
      {"()", {}},
      {"(\\Seen)", {store::flag::seen, {}}},
      {"(\\SEEN \\deleted $Junk x)", {store::flag::seen | store::flag::deleted, {"$Junk", "x"}}},
      {"(\\Answered \\Flagged \\Draft)", {store::flag::answered | store::flag::flagged | store::flag::draft, {}}},
      {"(\\Recent)", {}, false},
      {"(\\*)", {}, false},
      {"(\\Unknown)", {}, false},
      {"( \\Seen)", {}, false},
      {"(\\Seen", {}, false},
      {"(a  b)", {}, false},
  };
  for (const auto& row : rows) {
    Parser in(row.in);
    const auto list = in.flag_list();
    EXPECT_EQ(in.ok(), row.ok) << row.in;
    if (row.ok) EXPECT_EQ(list, row.out) << row.in;
  }
  std::string many = "(k";
  for (int i = 0; i < 200; ++i) many += " k" + std::to_string(i);
  Parser in(many);
  in.flag_list();
  ASSERT_FALSE(in.ok());
  EXPECT_EQ(in.fault().code, "LIMIT");
}

TEST(ImapGrammar, Dates) {
  const std::vector<TextRow> rows = {{"1-Jan-1970", "0"},
                                     {"02-Jan-1970", "1"},
                                     {"\"31-dec-1969\"", "-1"},
                                     {"29-Feb-2024", "19782"},
                                     {"29-Feb-2023", "!Broken date at position 12"},
                                     {"1-Foo-1970", "!Broken date at position 11"},
                                     {"0-Jan-1970", "!Broken date at position 11"},
                                     {"1-Jan-70", "!Broken date at position 9"},
                                     {"32-Jan-1970", "!Expected - at position 1"}};
  for (const auto& row : rows) {
    Parser in(row.in);
    const auto value = in.date();
    EXPECT_EQ(outcome(in, std::to_string(value)), row.out) << row.in;
  }
}

TEST(ImapGrammar, DateTimes) {
  const std::vector<TextRow> rows = {
      {"\"01-Jan-1970 00:00:00 +0000\"", "0"},         {"\" 1-Jan-1970 01:00:00 +0100\"", "0"},
      {"\"17-Jul-1996 02:44:25 -0700\"", "837596665"}, {"\"17-Jul-1996 25:44:25 -0700\"", "!"},
      {"\"17-Jul-1996 02:44:25 0700\"", "!"},          {"\"17-Jul-1996 02:44:25\"", "!"},
      {"\"17-Jul-1996 02:44:25 -0700", "!"},           {"17-Jul-1996", "!"},
  };
  for (const auto& row : rows) {
    Parser in(row.in);
    const auto value = in.date_time();
    EXPECT_EQ(outcome(in, std::to_string(value)).substr(0, row.out.size()), row.out) << row.in;
    EXPECT_EQ(in.ok(), row.out != "!") << row.in;
  }
}

TEST(ImapGrammar, KeywordsEndWhereAtomsEnd) {
  Parser in("FASTER");
  EXPECT_FALSE(in.take_keyword("FAST"));
  Parser bracket("BODY[");
  EXPECT_TRUE(bracket.take_keyword("body"));
}

TEST(ImapGrammar, TheFirstFaultStays) {
  Parser in("x");
  in.sp();
  in.nz_number();
  EXPECT_EQ(in.fault().text, "Expected a space at position 1");
  EXPECT_EQ(in.astring(), "");
}

TEST(ImapGrammar, MailboxFaultIsNo) {
  Parser in("\"a//b\"");
  in.mailbox();
  ASSERT_FALSE(in.ok());
  EXPECT_EQ(in.fault().status, Reply::Status::no);
  EXPECT_EQ(in.fault().code, "CANNOT");
}

}  // namespace
}  // namespace postern::imap
