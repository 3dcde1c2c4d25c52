// SPDX-License-Identifier: Apache-2.0
// Decision: what the queue does with one recipient after one attempt. A pure function of the outcome, the entry, the schedule
// and the clock; the runner carries it out. The rules about who may be told what are those of product.md promise 4 and RFC 3461.
#pragma once

#include <string>

#include "base/clock.h"
#include "mail/outcome.h"
#include "queue/schedule.h"
#include "store/store.h"

namespace postern::queue {

/// Begins QueueRecipient::last_reply of what was held as undeliverable, so that it can be told from an admin's hold.
inline constexpr std::string_view undeliverable_mark = "undeliverable: ";
/// How long such recipients stay visible before they are removed.
inline constexpr std::chrono::hours undeliverable_kept{14 * 24};

struct Decision {
  /// What the sender is to be told.
  enum class Notice : std::uint8_t { none, delayed, failed, relayed };
  store::Attempt attempt;
  Notice notice = Notice::none;
  /// Given up because the lifetime is over, not because the other side refused.
  bool expired = false;
};

/// Now, and a random number below 1,000 that spreads the next attempt.
struct Moment {
  UnixTime now = 0;
  std::uint32_t roll = 500;
};

/// `recipient.attempts` counts the attempts before this one.
Decision decide(const store::QueueEntry& entry, const store::QueueRecipient& recipient, const mail::Outcome& outcome,
                const Schedule& schedule, Moment moment);

/// True when mail about this entry may go to its sender: there is one, and it logged in or was verified (security.md D22, D23).
bool may_tell_sender(const store::QueueEntry& entry);
/// RFC 3461 §4.1: an absent NOTIFY means FAILURE, and leaves DELAY to us.
bool wants(const mail::Recipient& recipient, mail::Notify what);

/// "mx.example.org said: 550 5.1.1 No such user": one line for the queue list and the log.
std::string describe(const mail::Outcome& outcome);

}  // namespace postern::queue
