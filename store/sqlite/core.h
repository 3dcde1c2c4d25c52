// SPDX-License-Identifier: Apache-2.0
// Core: the parts of the open store that its doors (Session, Queue, Accounts) share. Owned by the store; doors and the jobs on
// its threads hold references, and the store outlives them.
#pragma once

#include <atomic>
#include <memory>

#include "async/event.h"
#include "store/feeds.h"
#include "store/guests.h"
#include "store/sqlite/body_reader.h"
#include "store/sqlite/cache.h"
#include "store/sqlite/lane.h"
#include "store/sqlite/recent.h"
#include "store/sqlite/scan_gate.h"
#include "store/sqlite/space.h"
#include "store/sqlite/text_indexer.h"
#include "store/sqlite/vfs.h"
#include "store/sqlite/writer.h"

namespace postern::store::sqlite {

struct Core {
  Core(const std::filesystem::path& segments, Disk& disk, ActiveSegment::Limits limits, std::size_t cache_bytes, const Clock& c,
       std::chrono::seconds window)
      : clock(c), undelete_window(window), vfs(disk), folder(segments, disk), active(folder, limits), cache(cache_bytes) {}

  /// What was expunged before is not to be had any more.
  UnixTime window_start() const { return clock.unix_now() - undelete_window.count(); }

  const Clock& clock;
  const std::chrono::seconds undelete_window;
  const Vfs vfs;
  std::unique_ptr<Database> db;  ///< the writer thread's
  SegmentFolder folder;
  ActiveSegment active;
  SnapshotCache cache;
  RecentTable recent;
  GuestTable guests;
  FeedTable feeds;
  std::atomic<std::uint64_t> names = 0;  ///< grows whenever names, rights or annotations of mailboxes changed
  std::shared_ptr<QuotaTable> quotas = std::make_shared<QuotaTable>();  ///< as last published
  async::Event queue_event;
  std::atomic<std::int64_t> queue_depth = 0;
  std::unique_ptr<Space> space;  ///< whether new mail is taken; before the writer, which tells it of full disks
  std::unique_ptr<Writer> writer;
  std::unique_ptr<Lane> short_lane;  ///< look-ups and small bodies
  std::unique_ptr<Lane> long_lane;   ///< snapshots of large mailboxes, lists, large bodies
  std::unique_ptr<Lane> file_lane;   ///< large bodies on their way in; has no connection
  ScanGate scans;
  std::unique_ptr<TextIndexer> text;  ///< null when search text is not kept

  /// On the writer's thread, when a batch is durable.
  void publish(const Transaction& transaction);
  /// Ends some expunged messages whose window is over; true when there are more.
  bool reap(Transaction& transaction);

  void refresh_guests(const Transaction& transaction);
  void publish_feeds(const Transaction& transaction);

  /// Compresses small bodies, in the thread of the connection, and sums them up; large ones become segments of their own. After
  /// an error nothing is left behind.
  Task<Result<std::vector<NewBody>>> prepare(std::vector<NewBody> bodies);
};

std::unique_ptr<Session> make_session(Core& core, const mail::Identity& identity);
std::unique_ptr<Queue> make_queue(Core& core);
std::unique_ptr<Accounts> make_accounts(Core& core);

}  // namespace postern::store::sqlite
