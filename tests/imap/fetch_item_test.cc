// SPDX-License-Identifier: Apache-2.0
// FETCH items, their labels, faults and bounds.
#include "imap/fetch_item.h"

namespace postern::imap {
namespace {

using Kind = FetchItem::Kind;

std::string show(const FetchRequest& request) {
  static const std::map<Kind, std::string> names = {
      {Kind::flags, "flags"}, {Kind::uid, "uid"},           {Kind::modseq, "modseq"}, {Kind::internal_date, "date"},
      {Kind::size, "size"},   {Kind::envelope, "envelope"}, {Kind::body, "body"},     {Kind::body_structure, "structure"}};
  std::string out;
  for (const auto& item : request.items) {
    if (!out.empty()) out += ' ';
    out += item.kind == Kind::section ? item.label : names.at(item.kind);
  }
  if (request.sets_seen) out += " seen";
  if (request.changed_since) out += fmt::format(" since {}", *request.changed_since);
  return out;
}

TEST(ImapFetchItem, Requests) {
  const std::pair<std::string, std::string> rows[] = {
      {"FLAGS", "flags"},
      {"(FLAGS)", "flags"},
      {"(flags UID RFC822.SIZE INTERNALDATE)", "flags uid size date"},
      {"ALL", "flags date size envelope"},
      {"FAST", "flags date size"},
      {"FULL", "flags date size envelope body"},
      {"BODY", "body"},
      {"BODYSTRUCTURE", "structure"},
      {"BODY[]", "BODY[] seen"},
      {"BODY.PEEK[]", "BODY[]"},
      {"BODY[1.2.3]", "BODY[1.2.3] seen"},
      {"BODY.PEEK[1.MIME]", "BODY[1.MIME]"},
      {"BODY.PEEK[2.1.header]", "BODY[2.1.HEADER]"},
      {"BODY.PEEK[TEXT]<0.100>", "BODY[TEXT]<0>"},
      {"BODY.PEEK[HEADER.FIELDS (From \"To\")]", "BODY[HEADER.FIELDS (From To)]"},
      {"BODY.PEEK[HEADER.FIELDS.NOT (\"a b\")]", "BODY[HEADER.FIELDS.NOT (\"a b\")]"},
      {"RFC822", "RFC822 seen"},
      {"RFC822.HEADER", "RFC822.HEADER"},
      {"RFC822.TEXT", "RFC822.TEXT seen"},
      {"(MODSEQ) (CHANGEDSINCE 12)", "modseq since 12"},
  };
  for (const auto& [text, expected] : rows) {
    Parser in(text);
    const auto request = parse_fetch(in);
    EXPECT_TRUE(in.ok()) << text << ": " << (in.ok() ? "" : in.fault().text);
    EXPECT_EQ(show(request), expected) << text;
  }
}

TEST(ImapFetchItem, Faults) {
  for (const std::string text : {"",
                                 "()",
                                 "(FLAGS",
                                 "FLAGS)",
                                 "FLAGS UID",
                                 "(ALL)",
                                 "(FLAGS ALL)",
                                 "FOO",
                                 "BODY[",
                                 "BODY[0]",
                                 "BODY[1.]",
                                 "BODY[1.0]",
                                 "BODY[MIME]",
                                 "BODY[HEADER",
                                 "BODY[FOO]",
                                 "BODY[]<",
                                 "BODY[]<0>",
                                 "BODY[]<0.0>",
                                 "BODY[]<-1.5>",
                                 "BODY[]<0.9223372036854775808>",
                                 "BODY[HEADER.FIELDS]",
                                 "BODY[HEADER.FIELDS ()]",
                                 "BODY[HEADER.FIELDS (a]",
                                 "BODYX",
                                 "BODY.PEEK",
                                 "BINARY[HEADER]",
                                 "RFC822.FOO",
                                 "FLAGS (FOO 1)",
                                 "FLAGS (CHANGEDSINCE)",
                                 "FLAGS (VANISHED)"}) {
    Parser in(text);
    parse_fetch(in);
    EXPECT_FALSE(in.ok()) << text;
  }
}

TEST(ImapFetchItem, DepthAndNumberAreBounded) {
  std::string deep = "BODY[1";
  for (int i = 0; i < 1'000; ++i) deep += ".1";
  std::string many = "(FLAGS";
  for (int i = 0; i < 1'000; ++i) many += " FLAGS";
  std::string fields = "BODY[HEADER.FIELDS (a";
  for (int i = 0; i < 1'000; ++i) fields += " a";
  for (const auto& text : {deep + "]", many + ")", fields + ")]"}) {
    Parser in(text);
    parse_fetch(in);
    EXPECT_FALSE(in.ok());
  }
}

}  // namespace
}  // namespace postern::imap
