// SPDX-License-Identifier: Apache-2.0
#include "auth/passwords.h"

#include <gtest/gtest.h>

#include "base/ascii.h"

namespace postern::auth {
namespace {

std::string prepared(std::string_view text) {
  auto out = opaque_string(text);
  return out ? std::string(out->reveal()) : "error";
}

// RFC 8265 §4.3, examples 12–18, and pairs that people type differently on different machines.
TEST(OpaqueString, MapsToOneForm) {
  struct Case {
    std::string_view in, out;
  };
  const Case cases[] = {
      {"correct horse battery staple", "correct horse battery staple"},
      {"Correct Horse Battery Staple", "Correct Horse Battery Staple"},
      {"\u03c0\u00df\u00e5", "\u03c0\u00df\u00e5"},
      {"Jack of \u2666s", "Jack of \u2666s"},
      {"foo\u1680bar", "foo bar"},
      {"a\u00a0b", "a b"},
      {"a\u3000b", "a b"},
      {"e\u0301", "\u00e9"},
      {"\uff21", "\uff21"},      // wide letters stay wide: no width mapping
      {"\u212b", "\u00c5"},      // the Angstrom sign is a letter after NFC
      {"l\u00b7l", "l\u00b7l"},  // middle dot between two l (RFC 5892 A.3)
      {"\u30a2\u30fb", "\u30a2\u30fb"},
      {"\u05d0\u05f3", "\u05d0\u05f3"},
      {"\u0375\u03b1", "\u0375\u03b1"},
      {"\u0661\u0662", "\u0661\u0662"},
      {"\u0915\u094d\u200d", "\u0915\u094d\u200d"},  // ZWJ after a virama
      {"\u0628\u200c\u0628", "\u0628\u200c\u0628"},  // ZWNJ between joining letters
  };
  for (const auto& one : cases) EXPECT_EQ(prepared(one.in), one.out) << one.in;
}

TEST(OpaqueString, RefusesWhatCannotBeTypedReliably) {
  const std::string_view cases[] = {
      "",
      "my cat is a \tby",
      "line\nbreak",
      std::string_view("nul\0inside", 10),
      "\x7f",
      "soft\u00adhyphen",
      "zero\u200bwidth",
      "\ufeff"
      "bom",
      "right\u202eleft",
      "joiner\u200dalone",
      "\u200c",
      "a\u00b7l",
      "\u30fb",
      "x\u05f3",
      "\u0375x",
      "\u0661\u06f1",  // both kinds of Arabic digits
      "\u0378",        // unassigned
      "\u1100",        // old Hangul jamo
      "\ufdd0",        // noncharacter
      "\ue000",        // private use
      "\u0640",
      "\xff",
      "\xed\xa0\x80",  // surrogate
      "cut\xc3",
  };
  for (const auto text : cases) EXPECT_FALSE(opaque_string(text)) << text;
}

TEST(OpaqueString, BoundsTheLength) {
  EXPECT_TRUE(opaque_string(std::string(max_password_octets, 'a')));
  const auto longer = opaque_string(std::string(max_password_octets + 1, 'a'));
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().kind, ErrorKind::too_large);
}

TEST(OpaqueString, NeverEchoesThePassword) {
  const auto refused = opaque_string("hunter2\tsecret");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text.find("hunter2"), std::string::npos);
}

TEST(CodePoints, CountsCharactersNotOctets) {
  EXPECT_EQ(code_points(""), 0U);
  EXPECT_EQ(code_points("abc"), 3U);
  EXPECT_EQ(code_points("\u00e9\u20ac\U0001f600"), 3U);
}

TEST(GeneratePassword, HasFourGroupsOfFive) {
  const auto one = generate_password();
  const auto text = one.reveal();
  ASSERT_EQ(text.size(), 23U);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i % 6 == 5;
    const bool base32 = ascii::is_lower(text[i]) || (text[i] >= '2' && text[i] <= '7');
    EXPECT_TRUE(dash ? text[i] == '-' : base32) << i;
  }
  EXPECT_NE(text, generate_password().reveal());
}

}  // namespace
}  // namespace postern::auth
