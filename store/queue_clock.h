// SPDX-License-Identifier: Apache-2.0
// What becomes of times in the queue when the wall clock jumps. Two kinds of times must keep their distance: that which a sender
// chose for a message to leave (RFC 4865), and the end of keeping what could not be delivered. A pause between attempts need not:
// it ends early.
//
// Invariant: no jump makes either come early, as far as it was seen while the server ran or the times betray it at the start; a
// time may come late, by at most its own length. Which mail waits for its sender's time is told by its last_reply, which the
// admin reads in the list as well.
#pragma once

#include <atomic>
#include <limits>
#include <optional>
#include <string>

#include "store/store.h"

namespace postern::store {

/// Begins last_reply of a recipient that waits for the time its sender chose.
inline constexpr std::string_view chosen_time_mark = "waits for the time that its sender chose";

/// The whole last_reply; `accepted`: when the wait began.
std::string chosen_time_note(UnixTime accepted);
/// When its wait began; nothing when this recipient does not wait for a chosen time (any more).
std::optional<UnixTime> chosen_time_since(const QueueRecipient& recipient);

struct ClockJump {
  std::chrono::seconds by{0};    ///< how far; 0: none was seen, but the clock may be another one than that of the process before
  UnixTime now = 0;              ///< after it
  std::chrono::seconds kept{0};  ///< how long held recipients are kept: their next_at lies so far behind their beginning;
                                 ///< 0: they stay
};
/// Where the end of a wait lies after the jump.
UnixTime after_jump(const ClockJump& jump, UnixTime begun, UnixTime until);
/// Moves next_at of a recipient with a chosen time, or that is held. How far, in seconds; 0: it stays.
std::int64_t follow_jump(const ClockJump& jump, QueueRecipient& recipient);

/// A queue that lets its times follow the clock. Thread-safe.
class QueueClock {
 public:
  virtual ~QueueClock() = default;
  /// claim() gives nothing that comes due after this moment, up to which no jump was seen: one between a look at the clock and
  /// the claim would make everything due. Without it the clock is trusted.
  void trust_until(UnixTime wall) { trusted_.store(wall, std::memory_order_relaxed); }
  /// Durable when it returns; how many recipients moved. `kept` as in ClockJump.
  virtual Task<Result<std::size_t>> follow(std::chrono::seconds by, std::chrono::seconds kept) = 0;
  /// Null where a queue cannot.
  static QueueClock* of(Queue& queue) { return dynamic_cast<QueueClock*>(&queue); }

 protected:
  UnixTime trusted() const { return trusted_.load(std::memory_order_relaxed); }

 private:
  std::atomic<UnixTime> trusted_{std::numeric_limits<UnixTime>::max()};
};

}  // namespace postern::store
