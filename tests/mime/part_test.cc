// SPDX-License-Identifier: Apache-2.0
// The MIME tree: exact offsets, nesting, delimiters that are nearly right, and that the size of pieces never matters.
#include "mime/part.h"

#include <gtest/gtest.h>

#include "mime/part_codec.h"

namespace postern::mime {
namespace {

/// "(type header|body children…)" with the text of header and body of leaves.
std::string show(const PartTree& tree, std::string_view message, PartIndex index = 0) {
  const Part& part = tree.parts[index];
  std::string out = '(' + part.type.type + '/' + part.type.subtype;
  if (part.has(part_opaque)) out += " opaque";
  if (part.kind == PartKind::leaf) out += " [" + std::string(message.substr(part.body_begin, part.body_size())) + ']';
  for (PartIndex child = part.first_child; child != no_part; child = tree.parts[child].next_sibling)
    out += ' ' + show(tree, message, child);
  return out + ')';
}

std::string parse_and_show(std::string_view message) {
  const PartTree tree = parse_message(message);
  EXPECT_TRUE(is_tree(tree)) << message;
  for (const std::size_t step : {1u, 2u, 3u, 7u, 64u}) {
    PartParser parser;
    for (std::size_t at = 0; at < message.size(); at += step) parser.feed(message.substr(at, step));
    EXPECT_EQ(parser.finish(), tree) << "in pieces of " << step << ": " << message;
  }
  return show(tree, message);
}

constexpr std::string_view mixed = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";

TEST(Part, Trees) {
  struct Case {
    std::string message, shown;
  };
  const std::string head(mixed);
  const Case cases[] = {
      {"", "(text/plain [])"},
      {"A: b\r\n\r\nbody\r\n", "(text/plain [body\r\n])"},
      {"A: b", "(text/plain [])"},
      {"\r\nbody", "(text/plain [body])"},
      {"A: b\n\nbare\n", "(text/plain [bare\n])"},
      {head + "pre\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\ntwo\r\n--b--\r\nepilogue\r\n",
       "(multipart/mixed (text/plain [one]) (text/html [two]))"},
      {head + "--b\r\n\r\none\r\n\r\n--b--", "(multipart/mixed (text/plain [one\r\n]))"},
      {head + "--b \t\r\n\r\none\n--b--  \n", "(multipart/mixed (text/plain [one]))"},
      {head + "--b\r\n\r\nnever closed", "(multipart/mixed (text/plain [never closed]))"},
      {head + "--b\r\n--b\r\n--b--\r\n", "(multipart/mixed (text/plain []) (text/plain []))"},
      {head + "--b\r\nContent-Type: a/b\r\n--b--\r\n", "(multipart/mixed (a/b []))"},
      {head + "--bx\r\n--b-\r\n-b\r\n--b\r\n\r\nx --b\r\n --b\r\n--b--\r\n", "(multipart/mixed (text/plain [x --b\r\n --b]))"},
      {head + "--b--\r\n--b\r\n\r\nafter the end", "(multipart/mixed)"},
      {head + "no part at all\r\n", "(multipart/mixed)"},
      {head, "(multipart/mixed)"},
      {"Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx\r\n", "(multipart/mixed opaque [--b\r\n\r\nx\r\n])"},
      {"Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n", "(multipart/mixed opaque [--\r\n])"},
      {"Content-Type: multipart/mixed; boundary=\"" + std::string(max_boundary + 1, 'x') + "\"\r\n\r\n--\r\n",
       "(multipart/mixed opaque [--\r\n])"},
      // nesting
      {head + "--b\r\nContent-Type: multipart/alternative; "
              "boundary=c\r\n\r\n--c\r\n\r\n1\r\n--c\r\n\r\n2\r\n--c--\r\n\r\n--b\r\n\r\n3\r\n--b--\r\n",
       "(multipart/mixed (multipart/alternative (text/plain [1]) (text/plain [2])) (text/plain [3]))"},
      {head +
           "--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\n1\r\n--b\r\n\r\n3\r\n--c\r\nx\r\n--b--\r\n",
       "(multipart/mixed (multipart/alternative (text/plain [1])) (text/plain [3\r\n--c\r\nx]))"},
      {head + "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n1\r\n--b--\r\n--b--\r\n",
       "(multipart/mixed (multipart/mixed (text/plain [1])))"},
      {head + "--b\r\nContent-Type: multipart/mixed; boundary=b--\r\n\r\n--b--\r\n\r\n1\r\n--b----\r\n--b--\r\n",
       "(multipart/mixed (multipart/mixed (text/plain [1])))"},
      {head + "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n--b--\r\n", "(multipart/mixed (multipart/mixed))"},
      // enclosed messages
      {"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nbody", "(message/rfc822 (text/plain [body]))"},
      {"Content-Type: message/rfc822\r\n\r\n", "(message/rfc822 (text/plain []))"},
      {head + "--b\r\nContent-Type: message/rfc822\r\n--b--\r\n", "(multipart/mixed (message/rfc822 (text/plain [])))"},
      {head + "--b\r\nContent-Type: message/rfc822\r\n\r\n" + head +
           "--b\r\n\r\ninner\r\n--b--\r\n\r\n--b\r\n\r\nouter\r\n--b--\r\n",
       "(multipart/mixed (message/rfc822 (multipart/mixed (text/plain [inner]))) (text/plain [outer]))"},
      {"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdA==\r\n",
       "(message/rfc822 opaque [U3ViamVjdA==\r\n])"},
      {"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: x\r\n\r\n1\r\n--b\r\nContent-Type: "
       "text/plain\r\n\r\n2\r\n--b--",
       "(multipart/digest (message/rfc822 (text/plain [1])) (text/plain [2]))"},
  };
  for (const Case& one : cases) EXPECT_EQ(parse_and_show(one.message), one.shown) << one.message;
}

TEST(Part, OffsetsAndLinesAreExact) {
  const std::string message = std::string(mixed) + "pre\r\n--b\r\nX: 1\r\n\r\none\r\ntwo\r\n--b--\r\nepi\r\n";
  const PartTree tree = parse_message(message);
  ASSERT_EQ(tree.parts.size(), 2u);
  const Part& root = tree.root();
  EXPECT_EQ(root.header_begin, 0u);
  EXPECT_EQ(root.body_begin, mixed.size());
  EXPECT_EQ(root.body_end, message.size());
  EXPECT_EQ(root.body_lines, 8u);
  const Part& part = tree.parts[1];
  EXPECT_EQ(message.substr(part.header_begin, part.header_size()), "X: 1\r\n\r\n");
  EXPECT_EQ(message.substr(part.body_begin, part.body_size()), "one\r\ntwo");
  EXPECT_EQ(part.body_lines, 1u);
  EXPECT_FALSE(root.has(part_unterminated));
}

TEST(Part, FieldsAreKeptAndTheFirstCounts) {
  const PartTree tree = parse_message(
      "Subject: s\r\nContent-Type: text/html; charset=x\r\ncontent-type: image/png\r\nContent-Transfer-Encoding: BASE64\r\n"
      "Content-ID: <i@d>\r\nContent-Description: =?a?=\r\nContent-MD5: m==\r\nContent-Location: http://l\r\n"
      "Content-Disposition: inline; filename=f\r\nContent-Language: de, en\r\n\r\n");
  const Part& root = tree.root();
  EXPECT_TRUE(root.type.is("text", "html"));
  EXPECT_TRUE(root.has(part_duplicate_field));
  EXPECT_TRUE(root.has(part_is_message));
  EXPECT_FALSE(root.has(part_no_content_type));
  EXPECT_EQ(root.encoding, "base64");
  EXPECT_EQ(root.transfer_encoding, TransferEncoding::base64);
  EXPECT_EQ(root.id, "<i@d>");
  EXPECT_EQ(root.description, "=?a?=");
  EXPECT_EQ(root.md5, "m==");
  EXPECT_EQ(root.location, "http://l");
  EXPECT_EQ(root.disposition.value, "inline");
  EXPECT_EQ(root.languages.size(), 2u);
  EXPECT_NE(root.envelope.find("\"s\""), std::string::npos);
  EXPECT_TRUE(parse_message("X: 1\r\n\r\n").root().has(part_no_content_type));
}

TEST(Part, AHugeHeaderIsCutButCounted) {
  const std::string message = "A: " + std::string(max_header_block, 'x') + "\r\nContent-Type: text/html\r\n\r\nbody";
  const PartTree tree = parse_message(message);
  EXPECT_TRUE(tree.root().has(part_damaged_header));
  EXPECT_TRUE(tree.root().type.is("text", "plain"));
  EXPECT_EQ(message.substr(tree.root().body_begin), "body");
}

}  // namespace
}  // namespace postern::mime
