// SPDX-License-Identifier: Apache-2.0
// Text functions at their edges: empty texts, octets above 0x7F, needles that do not occur.
#include "base/ascii.h"

#include <gtest/gtest.h>

namespace postern::ascii {
namespace {

TEST(Ascii, FoldsOnlyAsciiLetters) {
  EXPECT_EQ(lower("AbZ[@\xc3\x84"), "abz[@\xc3\x84");
  EXPECT_EQ(upper("azA{`\xc3\xa4"), "AZA{`\xc3\xa4");
}

TEST(Ascii, ComparesWithoutCase) {
  EXPECT_TRUE(iequals("", ""));
  EXPECT_TRUE(iequals("EHLO", "ehlo"));
  EXPECT_FALSE(iequals("EHLO", "ehl"));
  EXPECT_FALSE(iequals("@", "`"));  // they differ by the same bit as letters do
  EXPECT_TRUE(istarts_with("From: x", "FROM:"));
  EXPECT_FALSE(istarts_with("Fro", "FROM:"));
  EXPECT_TRUE(istarts_with("x", ""));
}

TEST(Ascii, FindsWithoutCase) {
  EXPECT_EQ(ifind("Hello World", "WORLD"), 6U);
  EXPECT_EQ(ifind("abc", ""), 0U);
  EXPECT_EQ(ifind("", ""), 0U);
  EXPECT_EQ(ifind("abc", "abcd"), std::string_view::npos);
  EXPECT_EQ(ifind("", "a"), std::string_view::npos);
}

TEST(Ascii, Trims) {
  EXPECT_EQ(trim(" \t\r\n a b\r\n"), "a b");
  EXPECT_EQ(trim(" \r\n"), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Ascii, OrdersWithoutCaseByUnsignedOctet) {
  const ILess less;
  EXPECT_FALSE(less("Subject", "SUBJECT"));
  EXPECT_FALSE(less("SUBJECT", "subject"));
  EXPECT_TRUE(less("a", "B"));
  EXPECT_TRUE(less("z", "\xff"));
  EXPECT_TRUE(less("a", "ab"));
}

TEST(Ascii, KnowsAscii) {
  EXPECT_TRUE(is_ascii(std::string_view("\0\x7f", 2)));
  EXPECT_FALSE(is_ascii("a\x80"));
}

}  // namespace
}  // namespace postern::ascii
