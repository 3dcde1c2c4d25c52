// SPDX-License-Identifier: Apache-2.0
// Writing: folding, refused injection, multiparts that our own parser reads back.
#include "mime/writer.h"

#include <gtest/gtest.h>

#include "mime/encoded_word.h"
#include "mime/header.h"
#include "mime/part.h"

namespace postern::mime {
namespace {

mail::Address address(std::string_view text) { return mail::Address::parse(text).value(); }

TEST(Writer, WritesFields) {
  HeaderWriter header;
  header.field("X-One", "two")
      .text("Subject",
            "Gr\xc3\xbc\xc3\x9f"
            "e")
      .date("Date", {0, 60})
      .address("From", {"J\xc3\xb6rg", address("j@x.test")});
  header.address("To", {"", address("a@x.test")}).field("X-Empty", "");
  EXPECT_EQ(header.finish().value(),
            "X-One: two\r\nSubject: =?UTF-8?B?R3LDvMOfZQ==?=\r\nDate: Thu, 01 Jan 1970 01:00:00 +0100\r\n"
            "From: =?UTF-8?B?SsO2cmc=?= <j@x.test>\r\nTo: a@x.test\r\nX-Empty:\r\n");
}

TEST(Writer, RefusesInjection) {
  for (const std::string_view bad :
       {std::string_view("a\r\nBcc: x"), std::string_view("a\nb"), std::string_view("a\rb"), std::string_view("a\0b", 3)}) {
    EXPECT_FALSE(HeaderWriter().field("X", bad).finish());
    EXPECT_FALSE(HeaderWriter().text("X", bad).finish());
    EXPECT_FALSE(HeaderWriter().address("X", {std::string(bad), address("a@x.test")}).finish());
    EXPECT_FALSE(HeaderWriter().field(bad, "x").finish());
    EXPECT_FALSE(HeaderWriter().field("X", bad).field("Y", "fine").finish()) << "the error must stick";
  }
  EXPECT_FALSE(HeaderWriter().field("", "x").finish());
  EXPECT_FALSE(HeaderWriter().field("A:", "x").finish());
  EXPECT_FALSE(HeaderWriter().field("A", std::string(2'000, 'x')).finish());
}

TEST(Writer, FoldsWhereWhiteSpaceAllows) {
  std::string words;
  for (int i = 0; i < 40; ++i) words += "word" + std::to_string(i) + ' ';
  for (const std::string& value : {words, std::string(70, 'x') + ' ' + std::string(100, 'y') + " z", std::string(90, 'x'),
                                   "a" + std::string(200, ' ') + "b"}) {
    const std::string block = HeaderWriter().field("Subject", value).finish().value();
    const Header header(block);
    ASSERT_EQ(header.fields().size(), 1u) << block;
    EXPECT_EQ(header.value("Subject"), std::string(ascii::trim(value)));
    EXPECT_EQ(block.find("\r\n\r\n"), std::string::npos);
  }
  const std::string block = HeaderWriter().field("Subject", words).finish().value();
  for (std::size_t from = 0; from < block.size();) {
    const std::size_t end = block.find("\r\n", from);
    EXPECT_LE(end - from, preferred_line);
    EXPECT_NE(block.substr(from, end - from).find_first_not_of(' '), std::string::npos);
    from = end + 2;
  }
}

TEST(Writer, LongUnicodeSubjectsReadBack) {
  std::string subject;
  for (int i = 0; i < 100; ++i) subject += "\xe2\x82\xac ";
  subject.pop_back();
  const std::string block = HeaderWriter().text("Subject", subject).finish().value();
  EXPECT_EQ(decode_words(Header(block).fields().at(0).raw), subject);
}

Multipart report() {
  Multipart multipart;
  multipart.header.field("Subject", "Undelivered");
  multipart.subtype = "report";
  multipart.parameters.push_back({"report-type", "delivery-status", {}, {}, false});
  multipart.boundary = make_boundary();
  BodyPart text;
  text.header.content_type({"text", "plain", {{"charset", "utf-8", {}, {}, false}}});
  text.body = "It failed.\r\n";
  BodyPart original;
  original.header.content_type({"message", "rfc822", {}});
  original.body = "Subject: lost\r\n\r\nbody";
  multipart.parts = {text, original};
  return multipart;
}

TEST(Writer, MultipartReadsBack) {
  const std::string message = write_multipart(report()).value();
  const PartTree tree = parse_message(message);
  ASSERT_EQ(tree.parts.size(), 4u);
  EXPECT_TRUE(tree.root().type.is("multipart", "report"));
  EXPECT_EQ(tree.root().type.parameter("report-type"), "delivery-status");
  EXPECT_FALSE(tree.root().has(part_unterminated));
  EXPECT_EQ(message.substr(tree.parts[1].body_begin, tree.parts[1].body_size()), "It failed.\r\n");
  EXPECT_EQ(message.substr(tree.parts[2].body_begin, tree.parts[2].body_size()), "Subject: lost\r\n\r\nbody");
}

TEST(Writer, MultipartRefusesWhatWouldBreakIt) {
  Multipart broken = report();
  broken.boundary = "a\r\nb";
  EXPECT_FALSE(write_multipart(broken));
  broken = report();
  broken.boundary = std::string(71, 'a');
  EXPECT_FALSE(write_multipart(broken));
  broken = report();
  broken.parts[0].body = "--" + broken.boundary + "\r\n";
  EXPECT_FALSE(write_multipart(broken));
  broken = report();
  broken.parts[1].header.field("X", "a\nb");
  EXPECT_FALSE(write_multipart(broken));
}

TEST(Writer, IdsDiffer) {
  const auto domain = mail::Domain::parse("x.test").value();
  EXPECT_NE(make_message_id(1, domain), make_message_id(1, domain));
  EXPECT_TRUE(make_message_id(17, domain).starts_with("<17."));
  EXPECT_NE(make_boundary(), make_boundary());
}

}  // namespace
}  // namespace postern::mime
