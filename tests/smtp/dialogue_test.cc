// SPDX-License-Identifier: Apache-2.0
// The dialogue runner itself: patterns and escapes.
#include "tests/support/dialogue.h"

#include <gtest/gtest.h>

namespace postern::test {
namespace {

TEST(Dialogue, MatchesPatterns) {
  struct Row {
    std::string_view pattern, text;
    bool good;
  };
  for (const auto& row : std::initializer_list<Row>{{"250 *", "250 Ok", true},
                                                    {"250 *", "250", false},
                                                    {"*", "", true},
                                                    {"a*c*e", "abcde", true},
                                                    {"a*c*e", "abcdef", false},
                                                    {"\\* 1 *", "* 1 EXISTS", true},
                                                    {"\\* 1 *", "x 1 EXISTS", false},
                                                    {"a", "ab", false},
                                                    {"ab", "a", false},
                                                    {"*aab", "aaab", true}}) {
    EXPECT_EQ(matches(row.pattern, row.text), row.good) << row.pattern << " / " << row.text;
  }
}

TEST(Dialogue, ReadsEscapes) {
  EXPECT_EQ(unescape("\"a\\r\\n\\t\\\"\\\\\""), "a\r\n\t\"\\");
  EXPECT_EQ(unescape("\"\\0\\x7f\""), std::string("\0\x7f", 2));
  EXPECT_EQ(unescape("\"\\(3:ab)\" \"c\""), "abababc");
  EXPECT_EQ(unescape("\"\\(2:a\\r\\n)\""), "a\r\na\r\n");
  for (const char* bad : {"\"", "\"\\\"", "x", "\"\\q\"", "\"\\x4\"", "\"\\(3\""}) EXPECT_FALSE(unescape(bad)) << bad;
}

}  // namespace
}  // namespace postern::test
