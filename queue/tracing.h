// SPDX-License-Identifier: Apache-2.0
// What the queue tells the trace (store/trace_book.h): each attempt with the other side's reply, each notice. Never waits.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "mail/outcome.h"
#include "store/store.h"

namespace postern::store {
class TraceBook;
}

namespace postern::queue {

/// The name that the Door gave a message, from the Received field that we put on top of its prefix; empty when there is none.
std::string door_id_in(std::string_view prefix);

/// What became of one recipient at one attempt.
struct TracedAttempt {
  const store::QueueEntry& entry;
  const store::QueueRecipient& recipient;
  const mail::Outcome& outcome;
  const store::Attempt& attempt;
};
/// Does nothing without a book.
void trace_attempt(store::TraceBook* book, const Clock& clock, const TracedAttempt& what);
/// The sender was told: "failed", "delayed", "relayed". `error` is empty when that worked.
void trace_notice(store::TraceBook* book, const Clock& clock, const store::QueueEntry& entry, std::string_view what,
                  std::string_view error);

}  // namespace postern::queue
