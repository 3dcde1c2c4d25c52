// SPDX-License-Identifier: Apache-2.0
// Schedule: when a recipient is tried again, when its sender hears of a delay, and when we give up. Pure functions of the
// configuration, the number of attempts and the clock.
//
// What a badly set clock can do (security.md D108, R18): a wall clock that jumps forward makes everything due at once and looks
// like an expired lifetime; one that jumps back makes everything wait. So we give up only when the wall clock AND the attempts
// made agree, the delay notice goes by the attempts alone, and ClockWatch tells the runner of a jump so that nothing waits
// for a time that has moved away. In memory all waiting is done on the steady clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "config/config.h"
#include "store/store.h"

namespace postern::queue {

class Schedule {
 public:
  explicit Schedule(const config::Queue& options) : options_(options) {}

  /// Pause after the n-th failed attempt (n ≥ 1) without jitter: the configured steps, then doubled up to backoff_max.
  std::chrono::seconds pause(std::uint32_t attempts) const;
  /// What pause() sums to from the first attempt up to the n-th: how long we have been trying if every pause was kept.
  std::chrono::seconds waited(std::uint32_t attempts) const;
  /// When the next attempt is to be made. `roll` in [0, 1000) spreads it by ± jitter_percent. Not beyond the end of the
  /// lifetime, so that the last attempt is made at its end.
  UnixTime next_at(const store::QueueEntry& entry, std::uint32_t attempts, UnixTime now, std::uint32_t roll) const;
  /// True when the lifetime has passed by the wall clock and attempts over at least half of it were made; or when attempts
  /// over twice the lifetime were made, whatever the clock says.
  bool expired(const store::QueueEntry& entry, std::uint32_t attempts, UnixTime now) const;
  /// True when the delay notice is due: before the next attempt the sender will have waited longer than delay_notice.
  bool notice_due(std::uint32_t attempts) const;

 private:
  const config::Queue& options_;
};

/// Compares the two clocks at each look.
class ClockWatch {
 public:
  /// Differences below this are slewing or suspended time of no importance.
  static constexpr std::chrono::seconds tolerance{120};
  explicit ClockWatch(const Clock& clock) : clock_(clock), offset_(offset()) {}
  /// How far the wall clock has jumped since the last look; nothing when it went with the steady clock.
  std::optional<std::chrono::seconds> look();

 private:
  std::chrono::seconds offset() const;
  const Clock& clock_;
  std::chrono::seconds offset_;
};

}  // namespace postern::queue
