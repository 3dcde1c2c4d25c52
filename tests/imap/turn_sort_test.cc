// SPDX-License-Identifier: Apache-2.0
// A sort in turns against the one of the library, with runs so short that there is much to merge.
#include "imap/turn_sort.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "tests/support/net.h"

namespace postern::imap {
namespace {

TEST(TurnSort, OrdersLikeTheLibrary) {
  test::TestLoop loop;
  std::minstd_rand random(1);
  for (const std::size_t count : {0U, 1U, 3U, 4U, 5U, 8U, 9U, 16U, 17U, 100U, 129U}) {
    for (const std::size_t run : {1U, 4U, 7U, 200U}) {
      std::vector<unsigned> keys(count);
      for (auto& key : keys) key = static_cast<unsigned>(random() % 50);
      // As SORT does: no two places are equal, because the sequence number decides at last.
      const auto before = [&keys](std::uint32_t a, std::uint32_t b) { return std::pair(keys[a], a) < std::pair(keys[b], b); };
      std::vector<std::uint32_t> order(count);
      std::iota(order.begin(), order.end(), 0U);
      auto wanted = order;
      std::ranges::sort(wanted, before);
      std::ranges::shuffle(order, random);
      loop.run(sort_in_turns(order, run, before));
      EXPECT_EQ(order, wanted) << count << " in runs of " << run;
    }
  }
}

}  // namespace
}  // namespace postern::imap
