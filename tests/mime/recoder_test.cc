// SPDX-License-Identifier: Apache-2.0
// Recoder: tables, and random binary content cut anywhere.
#include "mime/recoder.h"

#include <gtest/gtest.h>

#include <random>

namespace postern::mime {
namespace {

using namespace std::string_literals;

std::string recode(const std::string& message, const std::vector<Recoding>& plan, std::size_t cut = 0) {
  Recoder recoder(parse_message(message), plan);
  std::string out;
  if (cut > 0) recoder.feed(std::string_view(message).substr(0, cut), out);
  recoder.feed(std::string_view(message).substr(cut), out);
  recoder.finish(out);
  return out;
}

std::string textual(const std::string& message, std::size_t cut = 0) {
  return recode(message, without_binary(parse_message(message)), cut);
}

struct Row {
  std::string in;
  std::string out;
};

TEST(Recoder, BinaryBecomesBase64) {
  const Row rows[] = {
      {"A: b\r\n\r\nhello\r\n", "A: b\r\n\r\nhello\r\n"},
      {"", ""},
      {"Content-Transfer-Encoding: BINARY\r\nA: b\r\n\r\n\0\n"s, "A: b\r\nContent-Transfer-Encoding: base64\r\n\r\nAAo=\r\n"},
      {"content-transfer-encoding: binary", "Content-Transfer-Encoding: base64\r\n\r\n"},
      // An encoding that is folded, and said twice: the first counts, none stays.
      {"Content-Transfer-Encoding:\r\n binary\r\nContent-Transfer-Encoding: 7bit\r\n\r\nx",
       "Content-Transfer-Encoding: base64\r\n\r\neA==\r\n"},
      {"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\npre\r\n--b\r\n"
       "Content-Transfer-Encoding: binary\r\n\r\n\r\r\r\n--b\r\n\r\nplain\r\n--b--\r\npost\r\n",
       "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\npre\r\n--b\r\n"
       "Content-Transfer-Encoding: base64\r\n\r\nDQ0=\r\n\r\n--b\r\n\r\nplain\r\n--b--\r\npost\r\n"},
      // A message inside, itself binary.
      {"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: binary\r\n\r\nContent-Transfer-Encoding: binary\r\n\r\n\xff",
       "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nContent-Transfer-Encoding: "
       "base64\r\n\r\n/w==\r\n"},
      // A multipart that cannot be taken apart is not encoded (RFC 2045 §6.4).
      {"Content-Type: multipart/mixed\r\nContent-Transfer-Encoding: binary\r\n\r\nx",
       "Content-Type: multipart/mixed\r\nContent-Transfer-Encoding: 8bit\r\n\r\nx"},
  };
  for (const auto& [in, out] : rows) {
    for (std::size_t cut = 0; cut <= in.size(); ++cut) EXPECT_EQ(textual(in, cut), out) << in << " cut at " << cut;
  }
}

TEST(Recoder, QuotedPrintable) {
  EXPECT_EQ(recode("A: b\r\n\r\ncaf\xc3\xa9 \r\n.\r\n", {Recoding::quoted_printable}),
            "A: b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ncaf=C3=A9=20\r\n.\r\n");
}

/// Three parts of random octets; those that would be taken for a delimiter are as unlikely as in life.
std::string random_message(std::mt19937& random, std::vector<std::string>& contents) {
  std::string message = "Content-Type: multipart/mixed; boundary=\"=_limit\"\r\nContent-Transfer-Encoding: binary\r\n\r\n";
  for (int part = 0; part < 3; ++part) {
    std::string content(random() % 300, '\0');
    for (char& c : content) c = random() % 3 == 0 ? "\r\n\0-="[random() % 5] : static_cast<char>(random());
    message += "--=_limit\r\nContent-Transfer-Encoding: binary\r\n\r\n" + content + "\r\n";
    contents.push_back(std::move(content));
  }
  return message + "--=_limit--\r\n";
}

TEST(Recoder, RandomContentComesBack) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> contents;
    const auto message = random_message(random, contents);
    const auto out = textual(message, random() % message.size());
    EXPECT_EQ(out.find('\0'), std::string::npos);
    const auto tree = parse_message(out);
    ASSERT_EQ(tree.parts.size(), 4U);
    for (std::size_t i = 0; i < contents.size(); ++i) {
      const auto& part = tree.parts[i + 1];
      EXPECT_EQ(decode_transfer(std::string_view(out).substr(part.body_begin, part.body_size()), part.transfer_encoding),
                contents[i]);
    }
  }
}

}  // namespace
}  // namespace postern::mime
