// SPDX-License-Identifier: Apache-2.0
// Shape and bounds; the quality is libsodium's.
#include "base/random.h"

#include <gtest/gtest.h>

#include <set>

namespace postern::random {
namespace {

TEST(Random, StaysBelow) {
  for (int i = 0; i < 1000; ++i) EXPECT_LT(below(7), 7U);
  EXPECT_EQ(below(1), 0U);
}

TEST(Random, TokensHaveTheirAlphabetAndLength) {
  EXPECT_EQ(token(0), "");
  const auto text = token(500);
  EXPECT_EQ(text.size(), 500U);
  EXPECT_EQ(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567"), std::string::npos);
  EXPECT_EQ(std::set<char>(text.begin(), text.end()).size(), 32U);  // missing one has a chance below 10^-5
}

TEST(Random, NumbersDiffer) { EXPECT_NE(number(), number()); }

}  // namespace
}  // namespace postern::random
