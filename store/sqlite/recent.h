// SPDX-License-Identifier: Apache-2.0
// RecentTable: which messages are still \Recent, ahead of the database. The first session that selects a mailbox advances it here
// and waits for nothing; the writer puts it into its next batch (design.md §7). Thread-safe.
// Invariant: an entry stays until the cache has a durable snapshot that says the same, so no two sessions get the same messages.
#pragma once

#include <mutex>
#include <unordered_map>

#include "store/sqlite/transaction.h"
#include "store/watch_state.h"

namespace postern::store::sqlite {

class RecentTable {
 public:
  /// Gives the UID above which messages are recent, and makes the newest one the next such UID. Nothing when the mailbox is gone.
  std::optional<Uid> take(MailboxId mailbox, const Watch& watch);
  /// The UID up to which messages are not recent though the database says so; 0 when it is right.
  Uid ahead(MailboxId mailbox) const;
  bool empty() const;
  /// On the writer's thread: puts everything into the transaction.
  void write(Transaction& transaction);
  /// On the writer's thread, when the transaction is durable and the cache knows.
  void written(const Transaction& transaction);

 private:
  mutable std::mutex mutex_;
  std::unordered_map<MailboxId, Uid> ahead_;
};

}  // namespace postern::store::sqlite
