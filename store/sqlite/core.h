// SPDX-License-Identifier: Apache-2.0
// Core: the parts of the open store that its doors (Session, Queue, Accounts) share. Owned by the store; doors and the jobs on
// its threads hold references, and the store outlives them.
#pragma once

#include <atomic>
#include <memory>
#include <shared_mutex>
#include <unordered_map>

#include "async/event.h"
#include "store/sqlite/body_reader.h"
#include "store/sqlite/cache.h"
#include "store/sqlite/lane.h"
#include "store/sqlite/writer.h"

namespace postern::store::sqlite {

/// Quotas as last published; read on the sessions' threads at RCPT and SIZE.
class QuotaTable {
 public:
  Quota get(AccountId account) const;
  /// False when there is no such account.
  bool knows(AccountId account) const;
  void set(AccountId account, const Quota& quota);
  void publish(const Transaction& transaction);

 private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<AccountId, Quota> quotas_;
};

struct Core {
  Core(const std::filesystem::path& segments, Disk& disk, ActiveSegment::Limits limits, std::size_t cache_bytes, const Clock& c,
       std::chrono::seconds window)
      : clock(c), undelete_window(window), folder(segments, disk), active(folder, limits), cache(cache_bytes) {}

  const Clock& clock;
  const std::chrono::seconds undelete_window;
  std::unique_ptr<Database> db;  ///< the writer thread's
  SegmentFolder folder;
  ActiveSegment active;
  SnapshotCache cache;
  QuotaTable quotas;
  async::Event queue_event;
  std::atomic<std::int64_t> queue_depth = 0;
  std::unique_ptr<Writer> writer;
  std::unique_ptr<Lane> short_lane;  ///< look-ups and small bodies
  std::unique_ptr<Lane> long_lane;   ///< snapshots of large mailboxes, lists, large bodies
  std::unique_ptr<Lane> file_lane;   ///< large bodies on their way in; has no connection

  /// On the writer's thread, when a batch is durable.
  void publish(const Transaction& transaction);
  /// One slice of what runs once a minute; true when there is more.
  bool housekeep(Transaction& transaction);

  /// Checksums of small bodies; large ones become segments of their own. After an error nothing is left behind.
  Task<Result<std::vector<NewBody>>> prepare(std::vector<NewBody> bodies);
};

std::unique_ptr<Session> make_session(Core& core, const mail::Identity& identity);
std::unique_ptr<Queue> make_queue(Core& core);
std::unique_ptr<Accounts> make_accounts(Core& core);

}  // namespace postern::store::sqlite
