// SPDX-License-Identifier: Apache-2.0
// The hostile messages of security.md D27–D37: each takes time in proportion to its size. The bound is CPU time of this thread,
// generous enough for sanitizer builds; a quadratic parser misses it by orders of magnitude.
#include <gtest/gtest.h>
#include <time.h>

#include <functional>

#include "mime/address_list.h"
#include "mime/body_structure.h"
#include "mime/content_type.h"
#include "mime/date.h"
#include "mime/encoded_word.h"
#include "mime/envelope.h"
#include "mime/part.h"
#include "mime/part_codec.h"
#include "mime/transfer_encoding.h"

namespace postern::mime {
namespace {

constexpr double max_cpu_seconds = 10;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

/// Parses, checks that it is a tree, and makes everything that delivery makes.
PartTree deliver(const std::string& message) {
  const double begin = cpu_seconds();
  PartTree tree = parse_message(message);
  EXPECT_TRUE(is_tree(tree));
  EXPECT_EQ(tree.root().body_end, message.size());
  const std::string structure = imap_bodystructure(tree, Structure::extended);
  EXPECT_LT(structure.size(), message.size() * 16 + 65'536);
  EXPECT_EQ(decode_parts(encode_parts(tree)), tree);
  EXPECT_LT(cpu_seconds() - begin, max_cpu_seconds);
  return tree;
}

TEST(Hostile, ManyAndHugeHeaders) {  // D27
  const std::string many = repeat("Received: from x by y; 1 Jan 2000 00:00 +0000\r\n", 100'000);
  EXPECT_EQ(check_limits(many).error().kind, ErrorKind::too_large);
  EXPECT_EQ(check_limits(repeat("A:\r\n", 10'000)).error().kind, ErrorKind::limit);
  EXPECT_TRUE(deliver(many + "\r\nbody").root().has(part_damaged_header));
  deliver("To: " + repeat("a@b,\r\n ", 500'000) + "\r\n\r\nbody");
}

TEST(Hostile, TenThousandNestedMultiparts) {  // D28
  std::string message;
  for (int i = 0; i < 10'000; ++i) {
    const std::string boundary = "b" + std::to_string(i);
    message += "Content-Type: multipart/mixed; boundary=" + boundary + "\r\n\r\n--" + boundary + "\r\n";
  }
  const PartTree tree = deliver(message);
  EXPECT_TRUE(tree.truncated);
  EXPECT_EQ(tree.parts.size(), max_depth + 1);
  EXPECT_TRUE(tree.parts.back().has(part_opaque));
}

TEST(Hostile, TenThousandNestedMessages) {  // D28, D30
  const PartTree tree = deliver(repeat("Content-Type: message/rfc822\r\n\r\n", 10'000));
  EXPECT_EQ(tree.parts.size(), max_depth + 1);
  deliver(repeat("Content-Type: message/rfc822\r\n", 10'000));
}

TEST(Hostile, ManyParts) {  // D29
  const PartTree tree =
      deliver("Content-Type: multipart/mixed; boundary=b\r\n\r\n" + repeat("--b\r\n\r\nx\r\n", 500'000) + "--b--\r\n");
  EXPECT_EQ(tree.parts.size(), max_parts);
  EXPECT_TRUE(tree.truncated);
  EXPECT_TRUE(tree.parts.back().has(part_opaque));
}

TEST(Hostile, ManyNearlyDelimitersAtFullDepth) {
  std::string message;
  for (int i = 0; i < 49; ++i) {
    const std::string boundary(60, static_cast<char>('a' + i % 26));
    message += "Content-Type: multipart/mixed; boundary=" + boundary + std::to_string(i) + "\r\n\r\n--" + boundary +
               std::to_string(i) + "\r\n";
  }
  deliver(message + "\r\n" + repeat("--\r\n", 500'000) + repeat("--" + std::string(60, 'a') + "\r\n", 50'000));
}

TEST(Hostile, HeadersBeyondTheBudgetAreOpaque) {
  const std::string part = "--b\r\nContent-Type: text/plain; name=\"" + std::string(60'000, 'x') + "\"\r\n\r\nx\r\n";
  const PartTree tree = deliver("Content-Type: multipart/mixed; boundary=b\r\n\r\n" + repeat(part, 200) + "--b--\r\n");
  EXPECT_TRUE(tree.truncated);
  EXPECT_TRUE(tree.parts.back().has(part_opaque));
  EXPECT_FALSE(tree.parts[1].has(part_opaque));
}

void within_bound(const std::function<void()>& work) {
  const double begin = cpu_seconds();
  work();
  EXPECT_LT(cpu_seconds() - begin, max_cpu_seconds);
}

TEST(Hostile, Continuations) {  // D31
  std::string value = "a/b";
  for (int i = 0; i < 100'000; ++i) value += "; x*" + std::to_string(i) + "*=%41";
  within_bound([&] { EXPECT_EQ(parse_content_type(value).parameters.at(0).value.size(), max_parameters); });
  within_bound([&] { deliver("Content-Type: " + value + "\r\n\r\n"); });
}

TEST(Hostile, Comments) {  // D32
  for (const std::string& value : {repeat("(", 1'000'000), repeat("(", 500'000) + repeat(")", 500'000), std::string("a@b (\\"),
                                   std::string("\"never"), repeat("\"", 100'001), repeat("<", 100'000), repeat("a:", 100'000),
                                   repeat("a<", 100'000), repeat("@", 100'000), repeat("()", 100'000)}) {
    within_bound([&] {
      parse_address_list(value);
      (void)parse_date(value);
      parse_content_type(value);
      deliver("From: " + value + "\r\nContent-Type: " + value + "\r\n\r\n");
    });
  }
}

TEST(Hostile, EncodedWords) {  // D34
  for (const std::string& value :
       {repeat("=?utf-8?Q?a?= ", 100'000), repeat("=?", 100'000), repeat("=?a?Q?", 100'000),
        repeat("=?iso-2022-jp?B?GyRC?= =?koi8-r?Q?x?= ", 3'000), "=?utf-8?Q?" + std::string(1'000'000, '=')}) {
    within_bound([&] { decode_words(value); });
  }
}

TEST(Hostile, DecodersOfGarbage) {  // D33
  for (const std::string& value :
       {repeat("=", 1'000'000), repeat(" ", 1'000'000), repeat("= ", 500'000), repeat("=4", 500'000), repeat("\r", 1'000'000)}) {
    within_bound([&] {
      decode_transfer(value, TransferEncoding::quoted_printable);
      decode_transfer(value, TransferEncoding::base64);
    });
  }
}

TEST(Hostile, Dates) {  // D37
  for (const std::string& value :
       {repeat("9", 1'000'000), "1 Jan " + repeat("9", 1'000) + " 00:00 +0000", std::string("1 Jan 2000 00:00 +999999999"),
        std::string("1 Jan 2000 00:00 -9999"), std::string("99 Jan 2000 99:99:99 +0000")}) {
    EXPECT_FALSE(parse_date(value)) << value.substr(0, 40);
  }
}

}  // namespace
}  // namespace postern::mime
