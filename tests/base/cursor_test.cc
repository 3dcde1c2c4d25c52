// SPDX-License-Identifier: Apache-2.0
// The cursor never passes the end and goes nowhere when it refuses.
#include "base/cursor.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

TEST(Cursor, TakesWhatItSays) {
  Cursor in("MAIL FROM:<a>");
  EXPECT_FALSE(in.take("mail"));
  EXPECT_TRUE(in.take_word("mail"));
  EXPECT_TRUE(in.take(' '));
  EXPECT_EQ(in.take_until(':'), "FROM");
  EXPECT_EQ(in.peek(), ':');
  EXPECT_EQ(in.peek(1), '<');
  EXPECT_EQ(in.peek(100), '\0');
  EXPECT_EQ(in.take_n(100), ":<a>");
  EXPECT_TRUE(in.at_end());
  EXPECT_FALSE(in.take('x'));
  EXPECT_FALSE(in.next());
}

TEST(Cursor, RefusesWithoutMoving) {
  Cursor in("abc");
  EXPECT_FALSE(in.take("abcd"));
  EXPECT_FALSE(in.take_word("ABD"));
  EXPECT_FALSE(in.take_number());
  EXPECT_EQ(in.position(), 0U);
  EXPECT_EQ(in.where("expected a digit"), "expected a digit at position 1");
}

TEST(Cursor, SeesNulAsAnOctet) {
  Cursor in(std::string_view("\0a", 2));
  EXPECT_FALSE(in.at_end());
  EXPECT_TRUE(in.is('\0'));
  EXPECT_EQ(in.next(), '\0');
  EXPECT_EQ(in.rest(), "a");
}

struct Number {
  const char* text;
  std::uint64_t max;
  std::optional<std::uint64_t> value;
};

TEST(Cursor, ReadsNumbersUpToTheirMaximum) {
  const Number rows[] = {
      {"0", 10, 0},
      {"0010", 10, 10},
      {"11", 10, std::nullopt},
      {"18446744073709551615", UINT64_MAX, UINT64_MAX},
      {"18446744073709551616", UINT64_MAX, std::nullopt},
      {"99999999999999999999999999", UINT64_MAX, std::nullopt},
      {"-1", UINT64_MAX, std::nullopt},
      {"+1", UINT64_MAX, std::nullopt},
      {"", UINT64_MAX, std::nullopt},
  };
  for (const auto& row : rows) {
    Cursor in(row.text);
    EXPECT_EQ(in.take_number(row.max), row.value) << row.text;
    if (!row.value) EXPECT_EQ(in.position(), 0U) << row.text;
  }
}

}  // namespace
}  // namespace postern
