// SPDX-License-Identifier: Apache-2.0
// SnapshotCache: the newest published snapshot of each mailbox that somebody has open or had lately. The writer publishes into
// it; sessions read from it. Thread-safe.
// Invariant: between begin_load() and finish_load() every published batch is remembered and applied to what was read, so a
// snapshot never misses a change, whenever it was read. Mailboxes with a living Watch are never evicted.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "store/sqlite/transaction.h"
#include "store/watch_state.h"

namespace postern::store::sqlite {

class SnapshotCache {
 public:
  explicit SnapshotCache(std::size_t budget_bytes) : budget_(budget_bytes) {}

  /// Null when it is not cached, or not this account's.
  std::shared_ptr<WatchState> find(AccountId account, MailboxId mailbox);
  /// Announces that the mailbox will be read from the database now.
  void begin_load(MailboxId mailbox);
  /// What was read, or null when reading failed or the mailbox does not exist. Gives the watch, or null.
  std::shared_ptr<WatchState> finish_load(AccountId account, MailboxId mailbox, SnapshotPtr read);
  /// Wakes who waits for the mailbox, without a new snapshot.
  void wake(MailboxId mailbox);
  /// A durable batch.
  void publish(const Transaction& transaction);

 private:
  struct Update {
    std::uint32_t uidvalidity = 0;
    Uid uidnext = 1;
    ModSeq highest = 1;
    Uid recent_uid = 0;
    bool gone = false;
    std::shared_ptr<const Keywords> keywords;
    std::vector<RowChange> rows;
  };
  struct Entry {
    AccountId account = 0;
    std::shared_ptr<WatchState> watch = std::make_shared<WatchState>();
    bool loaded = false;
    int loads = 0;  ///< running
    std::vector<Update> missed;
    std::size_t bytes = 0;
    std::list<MailboxId>::iterator place;
  };
  using Entries = std::unordered_map<MailboxId, Entry>;

  static SnapshotPtr apply(const Snapshot& base, const Update& update);
  void set(Entry& entry, SnapshotPtr snapshot);
  void take(Entries::iterator entry, Update update);
  void erase(Entries::iterator entry);
  void evict();

  const std::size_t budget_;
  std::mutex mutex_;
  Entries entries_;
  std::list<MailboxId> recent_;  ///< most recently used first
  std::size_t bytes_ = 0;
};

}  // namespace postern::store::sqlite
