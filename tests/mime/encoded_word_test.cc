// SPDX-License-Identifier: Apache-2.0
// Encoded words: RFC 2047's examples, damage, and that nothing that ends a line ever comes out.
#include "mime/encoded_word.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/encoding.h"

namespace postern::mime {
namespace {

TEST(EncodedWord, Decodes) {
  struct Case {
    std::string_view text, decoded;
  };
  const Case cases[] = {
      {"plain", "plain"},
      {"=?ISO-8859-1?Q?a?=", "a"},
      {"=?ISO-8859-1?Q?a?= b", "a b"},
      {"=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"},
      {"=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=", "ab"},
      {"=?ISO-8859-1?Q?a_b?=", "a b"},
      {"x =?iso-8859-1?q?=E4?=", "x \xc3\xa4"},
      {"=?utf-8?B?w6Q=?= =?utf-8?B?w6Q?=", "\xc3\xa4\xc3\xa4"},
      {"=?utf-8*de?Q?=C3=A4?=", "\xc3\xa4"},
      {"=?utf-8?B?4oI=?= =?utf-8?B?rA==?=", "\xe2\x82\xac"},   // a character cut between two words
      {"=?utf-8?B?4oI=?= =?us-ascii?Q?x?=", "\xef\xbf\xbdx"},  // and one that never ends
      {"=?iso-2022-jp?B?GyRCJCIbKEI=?=", "\xe3\x81\x82"},
      {"=?unknown-charset?Q?=C3=A4?=", "\xc3\xa4"},
      {"=?utf-8?X?abc?=", "=?utf-8?X?abc?="},
      {"=?utf-8?Q?no end", "=?utf-8?Q?no end"},
      {"=??Q?x?=", "=??Q?x?="},
      {"=?=?=?utf-8?Q?x?=", "=?=?x"},
      {"=?utf-8?Q?=ZZ=4?=", "=ZZ=4"},
      {"=?utf-8?Q?\?=", ""},
      {"=?x?Q?=0D=0A=00?=", "   "},
      {"=?utf-8?Q?=C2=85=7F?=", "   "},
      {"raw \xff\xc3", "raw \xef\xbf\xbd\xef\xbf\xbd"},
  };
  for (const Case& one : cases) EXPECT_EQ(decode_words(one.text), one.decoded) << one.text;
}

TEST(EncodedWord, NeverYieldsControls) {
  for (int octet = 0; octet < 256; ++octet) {
    for (const std::string_view charset : {"utf-8", "utf-16", "utf-7", "iso-2022-kr", "ibm1047", "hz-gb-2312", "scsu"}) {
      const std::string octets = {'+', static_cast<char>(octet), '\0', static_cast<char>(octet)};
      const std::string out = decode_words("=?" + std::string(charset) + "?B?" + base64_encode(octets) + "?=");
      EXPECT_TRUE(is_utf8(out));
      EXPECT_TRUE(std::ranges::none_of(out, [](char c) { return c == '\r' || c == '\n' || c == '\0'; }));
    }
  }
}

TEST(EncodedWord, EncodesOnlyWhatNeedsIt) {
  EXPECT_EQ(encode_words("Hello, world"), "Hello, world");
  EXPECT_EQ(encode_words("a\r\nBcc: x"), "a  Bcc: x");
  EXPECT_EQ(encode_words("=?x"), "=?UTF-8?B?PT94?=");
  EXPECT_EQ(encode_words("caf\xc3\xa9 au lait"), "=?UTF-8?Q?caf=C3=A9_au_lait?=");
  EXPECT_EQ(encode_words("Gr\xc3\xbc\xc3\x9f"
                         "e"),
            "=?UTF-8?B?R3LDvMOfZQ==?=");
  EXPECT_EQ(encode_phrase("John Doe"), "John Doe");
  EXPECT_EQ(encode_phrase("John Q. Public"), "\"John Q. Public\"");
  EXPECT_EQ(encode_phrase("a \"b\" \\"), "\"a \\\"b\\\" \\\\\"");
  EXPECT_EQ(encode_phrase(""), "\"\"");
}

TEST(EncodedWord, WordsAreShortWholeAndReadBack) {
  for (const std::string unit : {"\xe2\x82\xac", "\xc3\xa4 b", "\xf0\x9f\x93\xac", "x\xcc\x81"}) {
    std::string text;
    for (int i = 0; i < 60; ++i) text += unit;
    const std::string encoded = encode_words(text);
    EXPECT_EQ(decode_words(encoded), text);
    for (std::size_t from = 0; from < encoded.size();) {
      const std::size_t end = std::min(encoded.find(' ', from), encoded.size());
      EXPECT_LE(end - from, max_encoded_word);
      const std::string alone = decode_words(encoded.substr(from, end - from));
      EXPECT_EQ(alone.find("\xef\xbf\xbd"), std::string::npos) << "cut inside a character";
      from = end + 1;
    }
  }
}

}  // namespace
}  // namespace postern::mime
