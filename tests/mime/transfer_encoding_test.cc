// SPDX-License-Identifier: Apache-2.0
// Transfer encodings: known pairs, every cut point, damage, line lengths and round trips of all octets.
#include "mime/transfer_encoding.h"

#include <gtest/gtest.h>

namespace postern::mime {
namespace {

std::string decode_in_steps(std::string_view in, TransferEncoding encoding, std::size_t step) {
  TransferDecoder decoder(encoding);
  std::string out;
  for (std::size_t at = 0; at < in.size(); at += step) decoder.decode(in.substr(at, step), out);
  decoder.finish(out);
  return out;
}

TEST(TransferEncoding, ReadsItsName) {
  EXPECT_EQ(parse_transfer_encoding(" Base64 "), TransferEncoding::base64);
  EXPECT_EQ(parse_transfer_encoding("QUOTED-PRINTABLE (x)"), TransferEncoding::quoted_printable);
  EXPECT_EQ(parse_transfer_encoding("8bit;"), TransferEncoding::identity);
  EXPECT_EQ(parse_transfer_encoding(""), TransferEncoding::identity);
  EXPECT_EQ(parse_transfer_encoding("x-uuencode"), TransferEncoding::unknown);
}

struct Case {
  std::string_view in, out;
};

TEST(TransferEncoding, Base64AtEveryCut) {
  const Case cases[] = {{"", ""},     {"YQ==", "a"},    {"YWI=", "ab"},  {"YWJj", "abc"},    {"YWJj\r\nZGVm", "abcdef"},
                        {"YQ", "a"},  {"YWI", "ab"},    {"Y", ""},       {"YQ==YQ==", "aa"}, {"Y*W!J(j", "abc"},
                        {"====", ""}, {"YWJjZ", "abc"}, {"=YWJj", "abc"}};
  for (const Case& one : cases) {
    for (std::size_t step = 1; step <= one.in.size() + 1; ++step) {
      EXPECT_EQ(decode_in_steps(one.in, TransferEncoding::base64, step), one.out) << one.in << " step " << step;
    }
  }
  Base64Decoder decoder;
  std::string out;
  decoder.decode("YW*=", out);
  EXPECT_TRUE(decoder.damaged());
}

TEST(TransferEncoding, QuotedPrintableAtEveryCut) {
  const Case cases[] = {{"", ""},
                        {"a=20b", "a b"},
                        {"=e4=E4", "\xe4\xe4"},
                        {"a=\r\nb", "ab"},
                        {"a=\nb", "ab"},
                        {"a= \t\r\nb", "ab"},
                        {"a=", "a"},
                        {"a=4", "a=4"},
                        {"a=ZZ", "a=ZZ"},
                        {"a=4Z", "a=4Z"},
                        {"a==41", "a=A"},
                        {"a = b", "a = b"},
                        {"a \t\r\nb", "a\r\nb"},
                        {"a \nb", "a\nb"},
                        {"a \rb", "a \rb"},
                        {"a=\rb", "a=\rb"},
                        {"a  ", "a"},
                        {"a=0D=0Ab", "a\r\nb"},
                        {"=", ""},
                        {"= ", ""},
                        {"a \r", "a\r"}};
  for (const Case& one : cases) {
    for (std::size_t step = 1; step <= one.in.size() + 1; ++step) {
      EXPECT_EQ(decode_in_steps(one.in, TransferEncoding::quoted_printable, step), one.out) << one.in << " step " << step;
    }
  }
}

TEST(TransferEncoding, WhatIsEncodedReadsBackInShortLines) {
  std::string all;
  for (int i = 0; i < 2'000; ++i) all += static_cast<char>(i * 7 + i / 256);
  const std::string samples[] = {
      "", "a", "line\r\nline \r\n\tx\t\r\n", "lone\rcr lone\nlf\r", std::string(500, ' '), std::string(300, '='), all};
  for (const auto encoding : {TransferEncoding::base64, TransferEncoding::quoted_printable, TransferEncoding::identity}) {
    for (const std::string& sample : samples) {
      const std::string encoded = encode_transfer(sample, encoding);
      EXPECT_EQ(decode_transfer(encoded, encoding), sample);
      if (encoding == TransferEncoding::identity) continue;
      for (std::size_t from = 0; from < encoded.size();) {
        const std::size_t end = std::min(encoded.find("\r\n", from), encoded.size());
        EXPECT_LE(end - from, 76u);
        EXPECT_TRUE(end == from || (encoded[end - 1] != ' ' && encoded[end - 1] != '\t')) << "white space at a line's end";
        from = end + 2;
      }
    }
  }
}

}  // namespace
}  // namespace postern::mime
