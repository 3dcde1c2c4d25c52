// SPDX-License-Identifier: Apache-2.0
// A merge sort that lets others have their turns: runs of a fixed length are sorted at once, then runs are merged two by two
// (security.md D89).
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "async/executor.h"
#include "async/task.h"

namespace postern::imap {

/// Sorts by `before`, a strict order; suspends after each run (of at least one) and each merge. What `before` refers to and
/// `order` must live until it ends.
template <class Before>
async::Task<> sort_in_turns(std::vector<std::uint32_t>& order, std::size_t run, Before before) {
  const auto at = [&order](std::size_t i) { return order.begin() + static_cast<std::ptrdiff_t>(std::min(i, order.size())); };
  for (std::size_t i = 0; i < order.size(); i += run) {
    std::sort(at(i), at(i + run), before);
    co_await async::yield();
  }
  std::vector<std::uint32_t> merged(order.size());
  for (auto width = run; width < order.size(); width *= 2) {
    for (std::size_t i = 0; i < order.size(); i += 2 * width) {
      std::merge(at(i), at(i + width), at(i + width), at(i + 2 * width), merged.begin() + static_cast<std::ptrdiff_t>(i), before);
      co_await async::yield();
    }
    order.swap(merged);
  }
}

}  // namespace postern::imap
