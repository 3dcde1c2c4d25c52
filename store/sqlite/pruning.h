// SPDX-License-Identifier: Apache-2.0
// Pruning: what mailboxes remember of expunged messages for QRESYNC is bounded in number and age. Below the floor a client gets
// "everything it knows minus what exists" instead (design.md §7, RFC 7162 §3.2.6).
// Invariant: the floor rises in the same transaction that deletes the first row below it, so no answer ever lacks a UID.
#pragma once

#include <chrono>
#include <vector>

#include "store/sqlite/care.h"
#include "store/sqlite/housekeeping_options.h"

namespace postern::store::sqlite {

/// A mailbox whose history up to this mod-sequence goes.
struct Prune {
  MailboxId mailbox = 0;
  std::int64_t floor = 0;
};
std::vector<Prune> find_prunes(Database& db, const HistoryLimits& limits, UnixTime now);
/// Up to so many rows; true when there are more.
bool prune_some(Transaction& tx, const Prune& prune, std::size_t rows);
/// Everything, in slices.
Result<> prune_history(const Care& care, const HistoryLimits& limits);

}  // namespace postern::store::sqlite
