// SPDX-License-Identifier: Apache-2.0
// SlidingDay: what was counted in the last hour and day, in slots of five minutes. The caller says what time it is, in slots of a
// steady clock: setting the wall clock back or forward gives nobody a new day. Not thread-safe.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace postern::submission {

/// `Slot` has counters, += and a default value of nothing.
template <class Slot>
class SlidingDay {
 public:
  static constexpr std::int64_t slot_seconds = 300;
  static constexpr std::size_t slots_per_hour = 12;
  static constexpr std::size_t slots_per_day = 288;

  /// The number of the slot that runs now.
  static std::int64_t slot_at(const Clock& clock) {
    return std::chrono::duration_cast<std::chrono::seconds>(clock.steady().time_since_epoch()).count() / slot_seconds;
  }
  explicit SlidingDay(std::int64_t now) : newest_(now) {}
  /// Forgets what is older than a day before this slot; earlier slots than the last one change nothing.
  void move_to(std::int64_t now) {
    if (now - newest_ >= static_cast<std::int64_t>(slots_per_day)) *this = SlidingDay(now);
    while (newest_ < now) slot(++newest_) = {};
  }
  std::int64_t newest() const { return newest_; }
  /// The slot so many before the newest, 0 to slots_per_day - 1.
  Slot& back(std::int64_t slots) { return slot(newest_ + static_cast<std::int64_t>(slots_per_day) - slots); }
  Slot hour() const { return sum(slots_per_hour); }
  Slot day() const { return sum(slots_per_day); }

 private:
  static std::size_t index(std::int64_t number) { return static_cast<std::size_t>(number) % slots_per_day; }
  Slot& slot(std::int64_t number) { return ring_[index(number)]; }
  Slot sum(std::size_t slots) const {
    Slot total{};
    for (std::size_t i = 0; i < slots; ++i) total += ring_[index(newest_ + static_cast<std::int64_t>(slots_per_day - i))];
    return total;
  }

  std::int64_t newest_;
  std::array<Slot, slots_per_day> ring_{};
};

}  // namespace postern::submission
