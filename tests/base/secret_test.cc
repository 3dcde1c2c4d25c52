// SPDX-License-Identifier: Apache-2.0
// security.md D76 and D77: sources and moved-from secrets keep nothing, short strings inside the object included.
#include "base/secret.h"

#include <gtest/gtest.h>

#include <ctime>
#include <limits>
#include <type_traits>

namespace postern {
namespace {

static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);

TEST(Secret, TakeWipesTheSource) {
  for (const std::size_t size : {3U, 300U}) {
    std::string source(size, 'p');
    const char* buffer = source.data();
    const auto secret = Secret::take(source);
    EXPECT_EQ(secret.reveal(), std::string(size, 'p'));
    EXPECT_TRUE(source.empty());
    EXPECT_EQ(std::string_view(buffer, size).find('p'), std::string_view::npos);
  }
}

TEST(Secret, MovesLeaveNothing) {
  Secret short_one("abc");
  const char* inside = short_one.reveal().data();
  const Secret moved(std::move(short_one));
  EXPECT_EQ(moved.reveal(), "abc");
  EXPECT_EQ(std::string_view(inside, 3), std::string_view("\0\0\0", 3));
  Secret target("old");
  Secret source("new");
  target = std::move(source);
  EXPECT_EQ(target.reveal(), "new");
  EXPECT_TRUE(source.empty());  // NOLINT(bugprone-use-after-move): the point of the test
}

TEST(Secret, CopiesAreEqual) {
  const Secret one("word");
  Secret two;
  two = one;
  EXPECT_EQ(two.reveal(), one.reveal());
  EXPECT_EQ(two.size(), 4U);
}

TEST(Secret, ComparesInConstantTime) {
  EXPECT_TRUE(constant_time_equal("", ""));
  EXPECT_TRUE(constant_time_equal("abc", "abc"));
  EXPECT_FALSE(constant_time_equal("abc", "abd"));
  EXPECT_FALSE(constant_time_equal("abc", "ab"));
}

/// The quickest of some comparisons of 4 MiB, in nanoseconds of the thread's CPU time.
long quickest(const std::string& a, const std::string& b) {
  long best = std::numeric_limits<long>::max();
  for (int i = 0; i < 10; ++i) {
    timespec begin{};
    timespec end{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    EXPECT_FALSE(constant_time_equal(a, b));
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    best = std::min(best, (end.tv_sec - begin.tv_sec) * 1'000'000'000 + end.tv_nsec - begin.tv_nsec);
  }
  return best;
}

// A comparison that stops at the first difference is a thousand times quicker here (security.md D77).
TEST(Secret, TheFirstDifferenceTakesAsLongAsTheLast) {
  const std::string same(4 * 1024 * 1024, 'x');
  auto first = same;
  auto last = same;
  first.front() = 'y';
  last.back() = 'y';
  const auto of_first = quickest(same, first);
  const auto of_last = quickest(same, last);
  EXPECT_LT(of_last, 4 * of_first);
  EXPECT_LT(of_first, 4 * of_last);
}

}  // namespace
}  // namespace postern
