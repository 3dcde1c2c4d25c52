// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/recovery.h"

#include <algorithm>

#include "store/queue_clock.h"
#include "store/sqlite/big_copy.h"
#include "store/sqlite/messages.h"
#include "store/sqlite/queue_writes.h"
#include "store/sqlite/refused.h"

namespace postern::store::sqlite {

namespace {

struct Suspect {
  std::int64_t blob = 0;
  Placement place;
};

/// Bodies of the last batch: their rows may be durable while they are not. They lie in the active segment; sealed ones, those
/// that compaction made too, were synced before their row.
std::vector<Suspect> suspects(Database& db) {
  const auto segment = db.integer(0, "SELECT v FROM sys WHERE k='watermark_segment'");
  const auto offset = db.integer(0, "SELECT v FROM sys WHERE k='watermark_offset'");
  std::vector<Suspect> out;
  auto row = db.query(
      "SELECT b.id, b.seg, b.off, b.len, b.sum FROM blob b JOIN segment s ON s.id=b.seg "
      "WHERE s.kind=0 AND s.state=0 AND (b.seg>?1 OR (b.seg=?1 AND b.off>=?2))",
      segment, offset);
  while (row.step()) {
    out.push_back(
        {row.integer(0), {row.unsigned_integer(1), row.unsigned_integer(2), row.unsigned_integer(3), row.unsigned_integer(4)}});
  }
  return out;
}

bool is_whole(SegmentFolder& folder, const Placement& place) {
  const auto file = folder.open(place.segment);
  if (!file) return false;
  std::error_code error;
  const std::uint64_t file_size = std::filesystem::file_size(folder.path_of(place.segment), error);
  if (error || place.length > file_size) return false;
  std::string body(place.length, '\0');
  return read_all_at((*file)->get(), body, place.offset).has_value() && checksum(body) == place.checksum;
}

std::vector<std::int64_t> ids(Query query) {
  std::vector<std::int64_t> out;
  while (query.step()) out.push_back(query.integer(0));
  return out;
}

/// Removes every trace of a body that is not whole, through the normal expunge: views see it vanish (storage.md §5 rule 2).
void drop(Transaction& tx, std::int64_t blob) {
  Database& db = tx.db();
  for (const auto id : ids(db.query("SELECT id FROM message WHERE blob=?1", blob))) {
    MailboxState* mailbox = tx.mailbox(static_cast<MailboxId>(id >> 32));
    const Uid uid = uid_of(id);
    if (mailbox) {
      [[maybe_unused]] const auto gone = expunge(tx, *mailbox, UidSet{{uid, uid}}, ExpungeMode::any);
    }
    db.run("DELETE FROM message WHERE id=?1", id);
  }
  for (const auto id : ids(db.query("SELECT id FROM reap WHERE blob=?1", blob))) {
    db.run("DELETE FROM msgmeta WHERE id=?1", id);
    db.run("DELETE FROM reap WHERE id=?1", id);
  }
  for (const auto id : ids(db.query("SELECT id FROM queue WHERE blob=?1", blob))) {
    db.run("DELETE FROM queue_rcpt WHERE queue=?1", id);
    db.run("DELETE FROM queue WHERE id=?1", id);
  }
  db.run("DELETE FROM blob WHERE id=?1", blob);
}

/// Where the active segment's good records end.
ActiveSegment::Position end_of_active(Database& db) {
  const auto active = db.integer(0, "SELECT max(id) FROM segment WHERE kind=0 AND state=0");
  if (active == 0) return {};
  const auto body_end = db.integer(0, "SELECT max(off+len) FROM blob WHERE seg=?1", active);
  const auto watermark = db.integer(0, "SELECT v FROM sys WHERE k='watermark_segment'");
  const auto synced = watermark == active ? db.integer(0, "SELECT v FROM sys WHERE k='watermark_offset'") : 0;
  return {static_cast<SegmentId>(active), static_cast<std::uint64_t>(std::max(body_end, synced))};
}

/// Files without a row go: their command was never committed. Rows without a file are reported.
Result<std::size_t> match_files(Database& db, SegmentFolder& folder, Log& log) {
  const auto files = folder.on_disk();
  if (!files) return std::unexpected(files.error());
  std::vector<SegmentId> rows;
  auto row = db.query("SELECT id FROM segment ORDER BY id");
  while (row.step()) rows.push_back(row.unsigned_integer(0));
  std::size_t removed = 0;
  for (const SegmentId id : *files) {
    folder.reserve_through(id);
    if (std::binary_search(rows.begin(), rows.end(), id)) continue;
    folder.remove(id);
    ++removed;
  }
  for (const SegmentId id : rows) {
    if (!std::binary_search(files->begin(), files->end(), id)) {
      log.error("store", "a segment file is missing; its messages cannot be read until it is restored",
                {{"file", folder.path_of(id).string()}});
    }
  }
  return removed;
}

/// A clock that was years ahead while the server ran has left times in the queue that are still to come now that it is right,
/// and nobody who runs today has seen it jump. No pause between attempts is as long, so what lies beyond is due now; a time that
/// a sender chose (RFC 4865) is as far away again as it was at first. Recipients.
std::int64_t bring_times_back(Database& db, UnixTime now) {
  constexpr UnixTime longest_pause = 8 * 86'400;
  return db.run(
      "UPDATE queue_rcpt SET next_at=?1, due_at=?1 WHERE state=0 AND due_at>?2 AND (attempts>0 OR reply NOT LIKE ?3 || '%')", now,
      now + longest_pause, chosen_time_mark);
}

Result<Recovered> run(Database& db, SegmentFolder& folder, const Clock& clock, Log& log) {
  Recovered out;
  folder.reserve_through(static_cast<SegmentId>(db.integer(0, "SELECT seq FROM sqlite_sequence WHERE name='segment'")));
  const auto removed = match_files(db, folder, log);
  if (!removed) return std::unexpected(removed.error());
  out.removed_files = *removed;

  Transaction tx(db, clock);
  TransactionGuard guard(db);
  // The lock on the folder says that nobody else holds leases.
  db.run("UPDATE queue_rcpt SET due_at=next_at WHERE state=0 AND due_at!=next_at");
  auto brought = bring_times_back(db, clock.unix_now());
  if (const auto moved = follow_clock(tx, {.now = clock.unix_now()})) brought += static_cast<std::int64_t>(*moved);
  if (brought > 0)
    log.warning("store", "the clock was ahead; mail that would wait too long is due now", {{"recipients", brought}});
  for (const auto blob : take_refused(db)) {
    drop(tx, blob);
    ++out.dropped_bodies;
    // A large body's file of its own goes with the next look at files without rows.
    db.run("DELETE FROM segment WHERE kind=1 AND NOT EXISTS (SELECT 1 FROM blob WHERE blob.seg=segment.id)");
  }
  const auto undone = undo_copies(tx);
  if (undone > 0) log.info("store", "took back a copy that had not ended", {{"messages", undone}});
  for (const Suspect& suspect : suspects(db)) {
    if (is_whole(folder, suspect.place)) continue;
    drop(tx, suspect.blob);
    ++out.dropped_bodies;
  }
  tx.drop_retired();
  tx.flush();
  out.end = end_of_active(db);
  if (out.end.segment != 0 && !std::filesystem::exists(folder.path_of(out.end.segment))) {
    db.run("UPDATE segment SET state=1 WHERE id=?1", out.end.segment);
    out.end = {};
  }
  guard.commit();
  for (const SegmentId id : tx.dead_segments()) folder.remove(id);
  return out;
}

}  // namespace

Result<Recovered> recover(Database& db, SegmentFolder& folder, const Clock& clock, Log& log) {
  try {
    auto done = run(db, folder, clock, log);
    if (done && (done->dropped_bodies > 0 || done->removed_files > 0)) {
      log.info("store", "recovered after an unclean end",
               {{"unacknowledged_bodies", done->dropped_bodies}, {"unused_files", done->removed_files}});
    }
    return done;
  } catch (const SqlError& error) {
    return std::unexpected(error.error);
  }
}

}  // namespace postern::store::sqlite
