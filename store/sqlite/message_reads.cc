// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/message_reads.h"

#include <algorithm>

#include "store/mailbox_name.h"
#include "store/messages.h"

namespace postern::store::sqlite {

bool account_exists(Database& db, AccountId account) { return db.integer(0, "SELECT 1 FROM account WHERE id=?1", account) != 0; }

bool owns(Database& db, AccountId account, MailboxId mailbox) {
  return db.integer(0, "SELECT 1 FROM mailbox WHERE id=?1 AND account=?2", mailbox, account) != 0;
}

std::vector<std::string> read_subscriptions(Database& db, AccountId account) {
  std::vector<std::string> out;
  auto row = db.query("SELECT name FROM subscription WHERE account=?1", account);
  while (row.step()) out.emplace_back(row.text(0));
  std::sort(out.begin(), out.end(), mailbox_before);
  return out;
}

namespace {

/// Every UID that was ever given and is not there now.
UidSet all_missing(Database& db, MailboxId mailbox) {
  const auto next = static_cast<Uid>(db.integer(1, "SELECT uidnext FROM mailbox WHERE id=?1", mailbox));
  if (next <= 1) return {};
  UidSet there;
  auto row = db.query("SELECT id FROM message WHERE id BETWEEN ?1 AND ?2 ORDER BY id", message_id(mailbox, 0),
                      message_id(mailbox, UINT32_MAX));
  while (row.step()) there.add(uid_of(row.integer(0)));
  return UidSet{{1, next - 1}}.minus(there);
}

}  // namespace

// RFC 7162 §3.2.6: below the floor of what is remembered, the full comparison is the answer.
UidSet read_vanished(Database& db, MailboxId mailbox, ModSeq since) {
  const auto floor = db.integer(0, "SELECT vanished_floor FROM mailbox WHERE id=?1", mailbox);
  if (since < static_cast<ModSeq>(floor)) return all_missing(db, mailbox);
  std::vector<UidRange> ranges;
  auto row = db.query("SELECT lo, hi FROM vanished WHERE mailbox=?1 AND modseq>?2", mailbox, since);
  while (row.step()) ranges.push_back({static_cast<Uid>(row.integer(0)), static_cast<Uid>(row.integer(1))});
  std::sort(ranges.begin(), ranges.end(), [](const UidRange& a, const UidRange& b) { return a.lo < b.lo; });
  UidSet out;
  for (const auto& range : ranges) out.add(range);
  return out;
}

namespace {

MessageInfo read_info(Query& row, unsigned fields) {
  MessageInfo info;
  info.uid = uid_of(row.integer(0));
  info.internal_date = row.integer(1);
  info.size = row.unsigned_integer(2);
  info.prefix_size = static_cast<std::uint32_t>(row.integer(3));
  if (fields & meta_envelope) info.meta.envelope = row.text(4);
  if (fields & meta_structure) info.meta.bodystructure = row.text(5);
  if (fields & meta_parts) info.meta.parts = row.text(6);
  return info;
}

Query query_infos(Database& db, std::int64_t lo, std::int64_t hi, unsigned fields) {
  if ((fields & (meta_envelope | meta_structure | meta_parts)) == 0) {
    return db.query("SELECT id, idate, size, psize FROM message WHERE id BETWEEN ?1 AND ?2 ORDER BY id", lo, hi);
  }
  return db.query(
      "SELECT m.id, m.idate, m.size, m.psize, x.envelope, x.bodystructure, x.parts FROM message m LEFT JOIN msgmeta x ON "
      "x.id=m.id "
      "WHERE m.id BETWEEN ?1 AND ?2 ORDER BY m.id",
      lo, hi);
}

Query query_expunged_infos(Database& db, std::int64_t lo, std::int64_t hi, UnixTime since) {
  return db.query(
      "SELECT r.id, r.idate, r.size, r.psize, x.envelope, x.bodystructure, x.parts FROM reap r LEFT JOIN msgmeta x ON x.id=r.id "
      "WHERE r.id BETWEEN ?1 AND ?2 AND r.expunged_at>=?3 ORDER BY r.id",
      lo, hi, since);
}

/// False when there are too many.
bool take_infos(Query row, unsigned fields, std::vector<MessageInfo>& out) {
  while (row.step()) {
    if (out.size() == max_info_rows) return false;
    out.push_back(read_info(row, fields));
  }
  return true;
}

}  // namespace

Result<std::vector<MessageInfo>> read_infos(Database& db, const InfoOrder& order) {
  const auto too_many = [] { return fail(ErrorKind::limit, "more than 1000 messages asked for at once"); };
  const auto ids = [&](const UidRange& range) {
    return std::pair{message_id(order.mailbox, range.lo), message_id(order.mailbox, range.hi)};
  };
  std::vector<MessageInfo> out;
  out.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(order.uids.count(), max_info_rows)));
  for (const auto& range : order.uids.ranges()) {
    const auto [lo, hi] = ids(range);
    if (!take_infos(query_infos(db, lo, hi, order.fields), order.fields, out)) return too_many();
  }
  if ((order.fields & meta_expunged) == 0 || out.size() == order.uids.count()) return out;
  for (const auto& range : order.uids.ranges()) {
    const auto [lo, hi] = ids(range);
    if (!take_infos(query_expunged_infos(db, lo, hi, order.expunged_since), order.fields, out)) return too_many();
  }
  std::ranges::sort(out, {}, &MessageInfo::uid);
  return out;
}

std::string store_id(Database& db) {
  auto row = db.query("SELECT v FROM sys WHERE k='store_id'");
  return row.step() ? std::string(row.text(0)) : std::string();
}

// RFC 8474 §5.1: one id for one content. Copies share blob and prefix; the account is part of it, so that nobody can see whether
// others got the same message.
Result<std::vector<Particulars>> read_particulars(Database& db, AccountId account, MailboxId mailbox, const UidSet& uids) {
  const auto store = store_id(db);
  std::vector<Particulars> out;
  for (const auto& range : uids.ranges()) {
    auto row = db.query(
        "SELECT m.id, m.saved, m.blob, x.prefix FROM message m LEFT JOIN msgmeta x ON x.id=m.id WHERE m.id BETWEEN ?1 AND ?2 "
        "ORDER BY m.id",
        message_id(mailbox, range.lo), message_id(mailbox, range.hi));
    while (row.step()) {
      if (out.size() == max_info_rows) return fail(ErrorKind::limit, "more than 1000 messages asked for at once");
      const auto id = make_object_id('M', {store, std::to_string(account), std::to_string(row.integer(2)), row.text(3)});
      out.push_back({uid_of(row.integer(0)), row.integer(1), id});
    }
  }
  return out;
}

namespace {

/// Messages, and expunged ones within the undelete window, in order, with their bodies; columns as location_in() takes them.
Query query_bodies(Database& db, std::int64_t lo, std::int64_t hi, UnixTime expunged_since) {
  return db.query(
      "SELECT m.id AS id, m.psize, b.seg, b.off, b.len, b.codec, b.sum, b.osize FROM message m JOIN blob b ON b.id=m.blob "
      "WHERE m.id BETWEEN ?1 AND ?2 UNION ALL "
      "SELECT r.id, r.psize, b.seg, b.off, b.len, b.codec, b.sum, b.osize FROM reap r JOIN blob b ON b.id=r.blob "
      "WHERE r.id BETWEEN ?1 AND ?2 AND r.expunged_at>=?3 ORDER BY id",
      lo, hi, expunged_since);
}

}  // namespace

ReadTexts read_texts(Core& core, Database& db, const TextOrder& order) {
  ReadTexts out;
  std::uint64_t total = 0;
  const UnixTime since = core.window_start();
  for (const auto& range : order.uids.ranges()) {
    auto row = query_bodies(db, message_id(order.mailbox, range.lo), message_id(order.mailbox, range.hi), since);
    while (row.step()) {
      out.through = uid_of(row.integer(0));
      const Location location = location_in(db, row);
      auto text = read_start(core.folder, location, order.limit.per_message);
      if (!text) continue;
      total += text->size();
      out.texts.push_back({out.through, location.size(), std::move(*text)});
      if (total >= std::min(order.limit.total, max_read_total)) return out;
    }
  }
  out.through = UINT32_MAX;
  return out;
}

namespace {

/// Puts rows into chunks.
class ChunkSink final : public RowSink {
 public:
  /// `most` rows, of which about `expected` will come.
  ChunkSink(std::size_t most, std::size_t expected) : left_(most), expected_(expected) {}

  bool take(const Values& row) noexcept override {
    if (!last_ || last_->size() == Snapshot::chunk_rows) begin_chunk();
    const auto size = static_cast<std::uint32_t>(std::min<std::int64_t>(row[1], UINT32_MAX));
    last_->push_back(Row{uid_of(row[0]), size, static_cast<std::uint64_t>(row[2]), static_cast<ModSeq>(row[3])});
    return --left_ == 0;
  }
  std::vector<Snapshot::ChunkPtr> chunks() && { return std::move(chunks_); }

 private:
  void begin_chunk() {
    last_ = std::make_shared<Snapshot::Chunk>();
    last_->reserve(std::min({left_, expected_, Snapshot::chunk_rows}));
    expected_ -= std::min(expected_, Snapshot::chunk_rows);
    chunks_.push_back(last_);
  }
  std::vector<Snapshot::ChunkPtr> chunks_;
  std::shared_ptr<Snapshot::Chunk> last_;
  std::size_t left_;
  std::size_t expected_;
};

/// Up to `most` rows with UIDs in the range.
std::vector<Snapshot::ChunkPtr> read_chunks(Database& db, MailboxId mailbox, UidRange uids, std::size_t most) {
  const auto expected = db.integer(0, "SELECT messages FROM mailbox WHERE id=?1", mailbox);
  ChunkSink sink(most, static_cast<std::size_t>(expected));
  db.hand_over(sink, "SELECT 1 FROM message WHERE id BETWEEN ?1 AND ?2 AND hand_over(id, size, flags, modseq) LIMIT 1",
               message_id(mailbox, uids.lo), message_id(mailbox, uids.hi));
  return std::move(sink).chunks();
}

/// Without rows; null when there is no such mailbox.
std::shared_ptr<Snapshot> read_head(Database& db, MailboxId mailbox) {
  auto snapshot = std::make_shared<Snapshot>();
  auto row = db.query("SELECT uidvalidity, uidnext, highest, recent_uid FROM mailbox WHERE id=?1", mailbox);
  if (!row.step()) return nullptr;
  snapshot->mailbox = mailbox;
  snapshot->uidvalidity = static_cast<std::uint32_t>(row.integer(0));
  snapshot->uidnext = static_cast<Uid>(row.integer(1));
  snapshot->highest = row.unsigned_integer(2);
  snapshot->recent_uid = static_cast<Uid>(row.integer(3));
  snapshot->keywords = read_keywords(db, mailbox);
  return snapshot;
}

}  // namespace

SnapshotPtr read_snapshot(Database& db, MailboxId mailbox) {
  auto snapshot = read_head(db, mailbox);
  if (snapshot) snapshot->set_chunks(read_chunks(db, mailbox, {0, snapshot->uidnext - 1}, SIZE_MAX >> 1));
  return snapshot;
}

Result<std::optional<WatchPtr>> load_watch(Core& core, Database& db, const LoadOrder& order) {
  // The lane began its transaction, but it sees nothing before the first read: what is published from here on is kept.
  core.cache.begin_load(order.mailbox);
  SnapshotPtr read;
  bool too_large = false;
  try {
    if (owns(db, order.account, order.mailbox)) {
      const auto rows = db.integer(0, "SELECT messages FROM mailbox WHERE id=?1", order.mailbox);
      too_large = static_cast<std::uint64_t>(rows) > order.most_rows;
      if (!too_large) read = read_snapshot(db, order.mailbox);
    }
  } catch (const SqlError&) {
    core.cache.finish_load(order.account, order.mailbox, nullptr);
    throw;
  }
  auto watch = core.cache.finish_load(order.account, order.mailbox, std::move(read));
  if (watch) return std::optional(std::move(watch));
  if (too_large) return std::optional<WatchPtr>();
  return fail(ErrorKind::not_found, "no such mailbox");
}

namespace {

/// A load that is announced to the cache for as long as this lives.
class Announcement {
 public:
  Announcement(SnapshotCache& cache, AccountId account, MailboxId mailbox) : cache_(cache), account_(account), mailbox_(mailbox) {
    cache_.begin_load(mailbox_);
  }
  ~Announcement() {
    if (open_) cache_.finish_load(account_, mailbox_, nullptr);
  }
  Announcement(const Announcement&) = delete;
  WatchPtr finish(SnapshotPtr read) {
    open_ = false;
    return cache_.finish_load(account_, mailbox_, std::move(read));
  }

 private:
  SnapshotCache& cache_;
  const AccountId account_;
  const MailboxId mailbox_;
  bool open_ = true;
};

struct Slice {
  std::shared_ptr<Snapshot> head;  ///< with the first slice only
  std::vector<Snapshot::ChunkPtr> chunks;
};

Result<Slice> read_slice(Database& db, const LoadOrder& order, Uid from) {
  if (!owns(db, order.account, order.mailbox)) return fail(ErrorKind::not_found, "no such mailbox");
  Slice out;
  if (from == 0) out.head = read_head(db, order.mailbox);
  const auto uidnext = static_cast<Uid>(db.integer(1, "SELECT uidnext FROM mailbox WHERE id=?1", order.mailbox));
  out.chunks = read_chunks(db, order.mailbox, {from, uidnext - 1}, order.most_rows);
  return out;
}

}  // namespace

// Slices may see different moments: what changes between them was published after the announcement, and the cache applies it.
Task<Result<WatchPtr>> load_in_slices(Core& core, LoadOrder order) {
  Announcement announcement(core.cache, order.account, order.mailbox);
  std::shared_ptr<Snapshot> head;
  std::vector<Snapshot::ChunkPtr> chunks;
  for (Uid from = 0;;) {
    auto slice = co_await core.long_lane->run<Slice>([order, from](Database& db) { return read_slice(db, order, from); });
    if (!slice) co_return std::unexpected(slice.error());
    if (slice->head) head = std::move(slice->head);
    std::size_t rows = 0;
    for (auto& chunk : slice->chunks) {
      rows += chunk->size();
      chunks.push_back(std::move(chunk));
    }
    if (rows < order.most_rows) break;
    from = chunks.back()->back().uid + 1;
  }
  head->set_chunks(std::move(chunks));
  auto watch = announcement.finish(std::move(head));
  if (!watch) co_return fail(ErrorKind::not_found, "no such mailbox");
  co_return watch;
}

}  // namespace postern::store::sqlite
