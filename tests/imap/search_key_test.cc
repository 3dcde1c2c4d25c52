// SPDX-License-Identifier: Apache-2.0
// SEARCH programs as text, faults, bounds, and logic with three values.
#include "imap/search_key.h"

#include "base/ascii.h"

namespace postern::imap {
namespace {

using Kind = SearchKey::Kind;

/// The program as text: leaves by letter of their kind, "!" negate, "&n" all of n, "|n" any of n.
std::string show(const SearchProgram& program) {
  static const std::map<Kind, std::string> names = {
      {Kind::always, "all"},        {Kind::flag, "flag"},     {Kind::keyword, "keyword"}, {Kind::recent, "recent"},
      {Kind::set, "set"},           {Kind::modseq, "modseq"}, {Kind::larger, "larger"},   {Kind::smaller, "smaller"},
      {Kind::before, "before"},     {Kind::on, "on"},         {Kind::since, "since"},     {Kind::sent_on, "senton"},
      {Kind::envelope_text, "env"}, {Kind::header, "header"}, {Kind::body, "body"},       {Kind::text, "text"}};
  std::string out;
  for (const auto& key : program.keys) {
    if (!out.empty()) out += ' ';
    if (key.kind == Kind::negate) {
      out += '!';
    } else if (key.kind == Kind::all_of) {
      out += fmt::format("&{}", key.count);
    } else if (key.kind == Kind::any_of) {
      out += fmt::format("|{}", key.count);
    } else {
      out += names.contains(key.kind) ? names.at(key.kind) : "?";
      if (!key.field.empty()) out += ":" + key.field;
      if (!key.text.empty()) out += "=" + key.text;
    }
  }
  return out;
}

TEST(ImapSearchKey, Programs) {
  const std::pair<std::string, std::string> rows[] = {
      {" ALL", "all &1"},
      {" SEEN UNSEEN", "flag flag ! &2"},
      {" NOT SEEN", "flag ! &1"},
      {" NOT NOT SEEN", "flag ! ! &1"},
      {" OR SEEN DELETED", "flag flag |2 &1"},
      {" OR OR SEEN DELETED ALL", "flag flag |2 all |2 &1"},
      {" (SEEN (DELETED ALL))", "flag flag all &2 &2 &1"},
      {" NOT (SEEN DELETED) ALL", "flag flag &2 ! all &2"},
      {" OR (SEEN ALL) NOT DELETED", "flag all &2 flag ! |2 &1"},
      {" NEW", "recent flag ! &2 &1"},
      {" OLD", "recent ! &1"},
      {" 1:3,*", "set &1"},
      {" UID 5", "set &1"},
      {" SUBJECT \"Ab C\"", "env:subject=AB C &1"},
      {" HEADER Message-ID <1@x>", "env:message-id=<1@X> &1"},
      {" HEADER X-Foo \"\"", "header:x-foo &1"},
      {" BODY x TEXT y", "body=X text=Y &2"},
      {" CHARSET UTF-8 SUBJECT x", "env:subject=X &1"},
      {" SINCE 1-Jan-2020 SENTON \"2-Feb-2021\"", "since senton &2"},
      {" LARGER 10 SMALLER 20", "larger smaller &2"},
      {" KEYWORD $Junk UNKEYWORD x", "keyword=$Junk keyword=x ! &2"},
      {" MODSEQ 5", "modseq &1"},
      {" MODSEQ \"/flags/\\\\draft\" all 5", "modseq &1"},
      {" RETURN (MIN COUNT) ALL", "all &1"},
      {" RETURN () ALL", "all &1"},
      {" SUBJECT {3}\r\nabc", "env:subject=ABC &1"},
  };
  for (const auto& [text, program] : rows) {
    Parser in(text);
    const auto parsed = parse_search(in);
    EXPECT_TRUE(in.ok()) << text << ": " << (in.ok() ? "" : in.fault().text);
    EXPECT_EQ(ascii::lower(show(parsed)), ascii::lower(program)) << text;
  }
}

TEST(ImapSearchKey, Faults) {
  for (const std::string text : {"",
                                 " ",
                                 " FOO",
                                 " SEEN ",
                                 " NOT",
                                 " OR SEEN",
                                 " OR SEEN ",
                                 " (SEEN",
                                 " SEEN)",
                                 " ()",
                                 " SUBJECT",
                                 " SUBJECT ",
                                 " LARGER x",
                                 " SINCE 2020",
                                 " UID",
                                 " 0",
                                 " MODSEQ -1",
                                 " MODSEQ \"/x\" all 1",
                                 " RETURN (FOO) ALL",
                                 " RETURN MIN ALL",
                                 " SEENX",
                                 " KEYWORD \\Seen",
                                 " HEADER x"}) {
    Parser in(text);
    parse_search(in);
    EXPECT_FALSE(in.ok()) << text;
    if (!in.ok()) EXPECT_EQ(in.fault().status, Reply::Status::bad) << text;
  }
}

TEST(ImapSearchKey, UnknownCharset) {
  Parser in(" CHARSET X-NONE SUBJECT x");
  parse_search(in);
  ASSERT_FALSE(in.ok());
  EXPECT_TRUE(in.fault().code.starts_with("BADCHARSET"));
}

TEST(ImapSearchKey, NestingAndCountAreBounded) {
  for (const auto& text : {" " + std::string(1'000'000, '('), " " + std::string(60, '(') + "ALL" + std::string(60, ')')}) {
    Parser in(text);
    parse_search(in);
    EXPECT_FALSE(in.ok());
  }
  std::string nots = " ", many = " ALL";
  for (int i = 0; i < 10'000; ++i) nots += "NOT ";
  for (int i = 0; i < 10'000; ++i) many += " ALL";
  for (const auto& text : {nots + "ALL", many}) {
    Parser in(text);
    parse_search(in);
    EXPECT_FALSE(in.ok());
  }
}

TEST(ImapSearchKey, ThreeValuedLogic) {
  const auto run = [](std::string_view text, const std::vector<Truth>& leaves) {
    Parser in(text);
    const auto program = parse_search(in);
    std::vector<Truth> stack;
    std::size_t next = 0;
    return evaluate(program.keys, stack, [&](std::size_t) { return leaves[next++]; });
  };
  using enum Truth;
  EXPECT_EQ(run(" SEEN BODY x", {no, unknown}), no);
  EXPECT_EQ(run(" SEEN BODY x", {yes, unknown}), unknown);
  EXPECT_EQ(run(" OR SEEN BODY x", {yes, unknown}), yes);
  EXPECT_EQ(run(" OR SEEN BODY x", {no, unknown}), unknown);
  EXPECT_EQ(run(" NOT BODY x", {unknown}), unknown);
  EXPECT_EQ(run(" OR (SEEN DELETED) NOT DRAFT", {yes, no, no}), yes);
}

}  // namespace
}  // namespace postern::imap
