// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/restore_steps.h"

#include <algorithm>
#include <map>

#include "store/mailbox_name.h"
#include "store/spool.h"
#include "store/sqlite/mailboxes.h"
#include "store/sqlite/messages.h"
#include "store/sqlite/restore_plan.h"

namespace postern::store::sqlite {

namespace {

/// A slice ends with the row that reaches one of these.
constexpr std::size_t slice_rows = 256;
constexpr std::uint64_t slice_bytes = 4 << 20;
constexpr std::size_t read_bytes = 256 * 1024;

/// A message of the backup.
struct SourceRow {
  Uid uid = 0;
  ModSeq modseq = 0;
  std::uint64_t flags = 0;
  std::int64_t date = 0, saved = 0;
  std::uint64_t size = 0, prefix_size = 0;
  std::int64_t blob = 0;
  std::string envelope, bodystructure, parts, prefix;
};

/// A body of the backup and what it is here.
struct BlobKey {
  std::int64_t id = 0;
  std::int64_t sum = 0;
  std::uint64_t length = 0, original = 0;
};
struct Slice {
  std::vector<SourceRow> rows;
  std::vector<BlobKey> blobs;  ///< each once
  Keywords keywords;
};

Slice read_slice(Database& backup, const RestoreItem& item) {
  Slice out;
  out.keywords = read_keywords(backup, item.source);
  std::uint64_t bytes = 0;
  auto row = backup.query(
      "SELECT m.id, m.modseq, m.flags, m.idate, m.saved, m.size, m.psize, m.blob, x.envelope, x.bodystructure, x.parts, "
      "x.prefix, b.sum, b.len, b.osize FROM message m JOIN blob b ON b.id=m.blob LEFT JOIN msgmeta x ON x.id=m.id "
      "WHERE m.id BETWEEN ?1 AND ?2 AND (m.id&4294967295)<(SELECT uidnext FROM mailbox WHERE id=?4) ORDER BY m.id LIMIT ?3",
      message_id(item.source, item.next_uid), message_id(item.source, item.last_uid), slice_rows, item.source);
  while (bytes < slice_bytes && row.step()) {
    SourceRow one{uid_of(row.integer(0)), row.unsigned_integer(1), row.unsigned_integer(2), row.integer(3),
                  row.integer(4),         row.unsigned_integer(5), row.unsigned_integer(6), row.integer(7)};
    one.envelope = row.text(8);
    one.bodystructure = row.text(9);
    one.parts = row.text(10);
    one.prefix = row.text(11);
    bytes += one.size;
    const bool known = std::any_of(out.blobs.begin(), out.blobs.end(), [&](const BlobKey& b) { return b.id == one.blob; });
    if (!known) out.blobs.push_back({one.blob, row.integer(12), row.unsigned_integer(13), row.unsigned_integer(14)});
    out.rows.push_back(std::move(one));
  }
  return out;
}

/// Reads to the end; open_body() and the last read verify the checksum.
Task<Result<>> read_through(BodyReader& reader, Spool* into) {
  for (std::uint64_t at = 0; at < reader.size();) {
    const auto piece = co_await reader.read(at, read_bytes);
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return fail(ErrorKind::corrupt, "a body is shorter than its row says");
    if (into) {
      if (auto written = into->write(*piece); !written) co_return written;
    }
    at += piece->size();
  }
  co_return Result<>();
}

/// A blob alone: no message has row 0, so there is no prefix in front of it.
Result<std::unique_ptr<BodyReader>> open_blob(Database& db, SegmentFolder& folder, Lane& lane, std::int64_t blob) {
  auto location = locate_blob(db, 0, blob);
  if (!location) return fail(ErrorKind::not_found, "no such body");
  return open_body(folder, lane, std::move(*location));
}

/// The body as the backup has it.
Task<Result<BodyPtr>> read_from_backup(Core& core, std::shared_ptr<RestoreJob> job, std::int64_t blob) {
  using Reader = std::unique_ptr<BodyReader>;
  auto work = [job, blob](Database& db) { return open_blob(db, job->segments, job->lane, blob); };
  auto reader = co_await job->lane.run<Reader>(std::move(work));
  if (!reader) co_return std::unexpected(reader.error());
  auto spool = make_spool(core.folder.folder());
  if (auto read = co_await read_through(**reader, spool.get()); !read) co_return std::unexpected(read.error());
  co_return spool->finish();
}

/// What the living store knows of a body: brought back by this job, the same body as before, or nothing (0).
struct Known {
  std::int64_t blob = 0;
  bool of_this_job = false;
};

Known look_up(Database& live, const std::string& job, const BlobKey& key) {
  const auto brought = live.integer(
      0, "SELECT r.blob FROM restored_blob r JOIN blob b ON b.id=r.blob WHERE r.job=?1 AND r.source=?2", job, key.id);
  if (brought != 0) return {brought, true};
  return {live.integer(0, "SELECT id FROM blob WHERE id=?1 AND sum=?2 AND len=?3 AND osize=?4", key.id, key.sum, key.length,
                       key.original),
          false};
}

Task<bool> is_whole_here(Core& core, std::int64_t blob) {
  using Reader = std::unique_ptr<BodyReader>;
  auto work = [core = &core, blob](Database& db) { return open_blob(db, core->folder, *core->long_lane, blob); };
  auto reader = co_await core.long_lane->run<Reader>(std::move(work));
  if (!reader) co_return false;
  co_return (co_await read_through(**reader, nullptr)).has_value();
}

/// How the bodies of a slice come to be: references to bodies that are here, and new ones.
struct Bodies {
  std::map<std::int64_t, std::int64_t> here;     ///< id in the backup → id here
  std::map<std::int64_t, std::size_t> written;   ///< id in the backup → index in `fresh`
  std::map<std::int64_t, std::int64_t> damaged;  ///< id in the backup → id of the row here whose octets are lost
  std::vector<NewBody> fresh;
  std::vector<std::int64_t> lost;  ///< not even the backup has them whole
};

/// One slice under way. Shared with the threads that work on it: the session that asked may be gone before they are done.
struct Work {
  std::shared_ptr<RestoreJob> job;
  RestoreItem item;
  Slice slice;
  Bodies bodies;
  const std::string& name() const { return job->order.job; }
  bool repairs() const { return item.mode == static_cast<int>(RestoreMode::repair); }
};
using WorkPtr = std::shared_ptr<Work>;

std::string arrival_of(const RestoreItem& item, const SourceRow& row) {
  return fmt::format("date {}\nin {} {} {}\n", row.date, item.account, row.flags & flag::system_mask, item.mailbox);
}

/// One body: here and whole, or to be written. A repair asks only for what is here and damaged.
Task<Result<>> find_body(Core& core, WorkPtr work, BlobKey key) {
  Bodies& out = work->bodies;
  auto look = [work, key](Database& db) -> Result<Known> { return look_up(db, work->name(), key); };
  const auto known = co_await core.short_lane->run<Known>(std::move(look));
  if (!known) co_return std::unexpected(known.error());
  if (known->blob == 0 && work->repairs()) co_return Result<>();
  if (known->blob != 0 && (known->of_this_job || co_await is_whole_here(core, known->blob))) {
    out.here[key.id] = known->blob;
    co_return Result<>();
  }
  auto body = co_await read_from_backup(core, work->job, key.id);
  if (!body) {
    const ErrorKind kind = body.error().kind;
    if (kind == ErrorKind::no_space || kind == ErrorKind::unavailable) co_return std::unexpected(body.error());
    out.lost.push_back(key.id);
    co_return Result<>();
  }
  if (known->blob != 0) out.damaged[key.id] = known->blob;
  const auto& rows = work->slice.rows;
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const SourceRow& r) { return r.blob == key.id; });
  out.written[key.id] = out.fresh.size();
  out.fresh.push_back({*body, arrival_of(work->item, *row), {}, false});
  co_return Result<>();
}

Task<Result<>> find_bodies(Core& core, WorkPtr work) {
  for (const BlobKey& key : work->slice.blobs) {
    if (auto found = co_await find_body(core, work, key); !found) co_return found;
  }
  auto prepared = co_await core.prepare(std::move(work->bodies.fresh));
  if (!prepared) co_return std::unexpected(prepared.error());
  work->bodies.fresh = std::move(*prepared);
  co_return Result<>();
}

std::unexpected<Error> changed_meanwhile() {
  return fail(ErrorKind::unavailable, "the store changed meanwhile; the step is done again");
}

/// The row that says where the item is; another step may have been quicker.
Result<> check_item(Transaction& tx, const std::string& job, const RestoreItem& item) {
  const auto next = tx.db().integer(0, "SELECT next_uid FROM restoring WHERE job=?1 AND source=?2 AND mode=?3 AND state=0", job,
                                    item.source, item.mode);
  return next == item.next_uid ? Result<>() : changed_meanwhile();
}

void move_on(Transaction& tx, const std::string& job, const RestoreItem& item, const Slice& slice) {
  tx.db().run("UPDATE restoring SET next_uid=?4 WHERE job=?1 AND source=?2 AND mode=?3", job, item.source, item.mode,
              std::uint64_t{slice.rows.back().uid} + 1);
}

void finish_item(Transaction& tx, const std::string& job, const RestoreItem& item) {
  tx.db().run("UPDATE restoring SET state=?4 WHERE job=?1 AND source=?2 AND mode=?3", job, item.source, item.mode,
              restore_state::done);
}

/// References to bodies that were found or have just been written. Errors: unavailable when one has gone meanwhile.
Result<std::int64_t> refer(Transaction& tx, const std::string& job, std::int64_t source, Bodies& bodies,
                           std::span<const NewBody> placed) {
  if (const auto known = bodies.here.find(source); known != bodies.here.end()) {
    if (tx.db().run("UPDATE blob SET refs=refs+1 WHERE id=?1", known->second) == 0) return changed_meanwhile();
    return known->second;
  }
  const std::int64_t blob = tx.add_blob(placed[bodies.written.at(source)], 1);
  tx.db().run("INSERT OR REPLACE INTO restored_blob(job, source, blob) VALUES (?1,?2,?3)", job, source, blob);
  bodies.here[source] = blob;
  return blob;
}

void insert_row(Transaction& tx, MailboxState& mailbox, const SourceRow& row, std::int64_t blob) {
  const auto id = message_id(mailbox.id, row.uid);
  tx.db().run("INSERT INTO message(id, modseq, flags, idate, saved, size, psize, blob) VALUES (?1,?2,?3,?4,?5,?6,?7,?8)", id,
              row.modseq, static_cast<std::int64_t>(row.flags), row.date, row.saved, row.size, row.prefix_size, blob);
  tx.db().run("INSERT INTO msgmeta(id, envelope, bodystructure, parts, prefix) VALUES (?1,?2,?3,?4,?5)", id, Blob{row.envelope},
              Blob{row.bodystructure}, Blob{row.parts}, Blob{row.prefix});
  const auto hint = static_cast<std::uint32_t>(std::min<std::uint64_t>(row.size, UINT32_MAX));
  count_in(tx, mailbox, Row{row.uid, hint, row.flags, row.modseq}, row.size);
  mailbox.uidnext = row.uid + 1;
  mailbox.highest = std::max(mailbox.highest, row.modseq);
}

/// The mailbox that grows unseen; made with the first slice, with the bits of the backup's keywords.
MailboxState& growing(Transaction& tx, const std::string& job, const RestoreItem& item, const Slice& slice) {
  if (item.mailbox != 0) {
    if (MailboxState* known = tx.mailbox(item.mailbox)) return *known;
    throw SqlError{{ErrorKind::internal, "the growing mailbox of a restore is not there"}};
  }
  MailboxState& made = tx.make_mailbox(0, fmt::format("{}/{}/{}", job, item.source, item.mode), SpecialUse::none);
  tx.set_keywords(made, slice.keywords);
  tx.db().run("UPDATE restoring SET mailbox=?4 WHERE job=?1 AND source=?2 AND mode=?3", job, item.source, item.mode, made.id);
  return made;
}

Result<std::uint64_t> add_slice(Transaction& tx, const std::string& job, const RestoreItem& item, const Slice& slice,
                                Bodies& bodies, std::span<const NewBody> placed) {
  if (auto there = check_item(tx, job, item); !there) return std::unexpected(there.error());
  MailboxState& mailbox = growing(tx, job, item, slice);
  std::uint64_t added = 0;
  for (const SourceRow& row : slice.rows) {
    if (std::find(bodies.lost.begin(), bodies.lost.end(), row.blob) != bodies.lost.end()) continue;
    const auto blob = refer(tx, job, row.blob, bodies, placed);
    if (!blob) return std::unexpected(blob.error());
    insert_row(tx, mailbox, row, *blob);
    ++added;
  }
  move_on(tx, job, item, slice);
  return added;
}

/// The row of the damaged body points at the new octets; everything that refers to it is whole again.
Result<std::uint64_t> repair_slice(Transaction& tx, const std::string& job, const RestoreItem& item, const Slice& slice,
                                   const Bodies& bodies, std::span<const NewBody> placed) {
  if (auto there = check_item(tx, job, item); !there) return std::unexpected(there.error());
  Database& db = tx.db();
  for (const auto& [source, damaged] : bodies.damaged) {
    const std::int64_t fresh = tx.add_blob(placed[bodies.written.at(source)], 0);
    SegmentId segment = 0;
    std::uint64_t length = 0;
    {
      auto row = db.query("SELECT seg, len FROM blob WHERE id=?1", damaged);
      if (!row.step()) return changed_meanwhile();
      segment = row.unsigned_integer(0);
      length = row.unsigned_integer(1);
    }
    db.run(
        "UPDATE blob SET (seg, off, len, osize, codec, sum)=(SELECT seg, off, len, osize, codec, sum FROM blob WHERE id=?2) "
        "WHERE id=?1",
        damaged, fresh);
    db.run("DELETE FROM blob WHERE id=?1", fresh);
    tx.add_dead(segment, length);
    tx.drop_if_empty(segment);
  }
  move_on(tx, job, item, slice);
  return bodies.damaged.size();
}

void drop_growing(Transaction& tx, MailboxState& mailbox) {
  drop_mailbox(tx, mailbox, Fate::lost);
  tx.forget_names();
}

/// A name that is free: the one that was planned, or with a number behind it.
std::string free_name(Transaction& tx, AccountId account, const std::string& planned) {
  std::string name = planned;
  for (int n = 2; tx.find(account, name); ++n) name = fmt::format("{} ({})", planned, n);
  return name;
}

/// Gives the grown mailbox its account and its name.
Result<std::string> show(Transaction& tx, const RestoreItem& item, SpecialUse use, MailboxState& mailbox) {
  AccountState* account = tx.account(item.account);
  if (!account) return fail(ErrorKind::not_found, "the account has gone meanwhile");
  if (item.mode == static_cast<int>(RestoreMode::replace)) {
    if (MailboxState* old = tx.find(item.account, item.name)) drop_mailbox(tx, *old, Fate::recoverable);
  }
  const std::string name = free_name(tx, item.account, item.name);
  for (const auto& parent : mailbox_parents(name)) {
    if (!tx.find(item.account, parent)) tx.make_mailbox(item.account, parent, SpecialUse::none);
  }
  Database& db = tx.db();
  const bool taken =
      db.integer(0, "SELECT EXISTS (SELECT 1 FROM mailbox WHERE account=?1 AND special_use=?2)", item.account, use);
  db.run("UPDATE mailbox SET account=?2, name=?3, special_use=?4 WHERE id=?1", mailbox.id, item.account, name,
         taken ? SpecialUse::none : use);
  db.run("INSERT OR IGNORE INTO subscription(account, name) VALUES (?1,?2)", item.account, name);
  tx.touch(mailbox);
  mailbox.account = item.account;
  tx.charge(*account, static_cast<std::int64_t>(mailbox.bytes), static_cast<std::int64_t>(mailbox.messages));
  tx.forget_names();
  return name;
}

/// The grown messages go to the end of a mailbox that stays. The row of the item tells from now on where they are.
Result<std::string> join(Transaction& tx, const std::string& job, const RestoreItem& item, MailboxState& mailbox) {
  auto to = mailbox_for_delivery(tx, item.account, item.name);
  if (!to) return std::unexpected(to.error());
  const Uid first = (*to)->uidnext;
  if (auto moved = copy(tx, mailbox, UidSet::all(), **to, CopyMode::move); !moved) return std::unexpected(moved.error());
  tx.db().run("UPDATE restoring SET mailbox=?4, next_uid=?5, last_uid=?6 WHERE job=?1 AND source=?2 AND mode=?3", job,
              item.source, item.mode, (*to)->id, first, (*to)->uidnext - 1);
  drop_growing(tx, mailbox);
  return item.name;
}

Result<> check_room_for(Transaction& tx, const RestoreItem& item, const MailboxState& mailbox) {
  const AccountState* account = tx.account(item.account);
  if (!account) return fail(ErrorKind::not_found, "the account has gone meanwhile");
  std::uint64_t bytes = mailbox.bytes;
  std::uint64_t messages = mailbox.messages;
  if (item.mode == static_cast<int>(RestoreMode::replace)) {
    if (const MailboxState* old = tx.find(item.account, item.name)) {
      bytes -= std::min(bytes, old->bytes);
      messages -= std::min(messages, old->messages);
    }
  }
  return check_quota(*account, bytes, messages);
}

/// The last command of a mailbox. Gives a note for the admin.
Result<std::string> complete(Transaction& tx, const RestoreOrder& order, const RestoreItem& item, const Slice& end,
                             SpecialUse use) {
  if (auto there = check_item(tx, order.job, item); !there) return std::unexpected(there.error());
  if (item.mode == static_cast<int>(RestoreMode::repair)) {
    finish_item(tx, order.job, item);
    return std::string();
  }
  MailboxState& mailbox = growing(tx, order.job, item, end);
  if (order.quota == QuotaRule::keep) {
    if (auto room = check_room_for(tx, item, mailbox); !room) return std::unexpected(room.error());
  }
  const auto messages = mailbox.messages;
  auto name = item.mode == static_cast<int>(RestoreMode::add) ? join(tx, order.job, item, mailbox) : show(tx, item, use, mailbox);
  if (!name) return name;
  finish_item(tx, order.job, item);
  const AccountState* account = tx.account(item.account);
  return fmt::format("{}: {} has {} message{} of the backup", account ? account->login : "?", *name, messages,
                     messages == 1 ? "" : "s");
}

Task<Result<>> complete_item(Core& core, WorkPtr work, RestoreProgress& progress) {
  auto read = [work](Database& db) -> Result<SpecialUse> {
    return static_cast<SpecialUse>(db.integer(0, "SELECT special_use FROM mailbox WHERE id=?1", work->item.source));
  };
  const auto use = co_await work->job->lane.run<SpecialUse>(std::move(read));
  if (!use) co_return std::unexpected(use.error());
  auto last = [work, use = *use](Transaction& tx, auto) { return complete(tx, work->job->order, work->item, work->slice, use); };
  auto note = co_await core.writer->run<std::string>(std::move(last));
  if (!note) co_return std::unexpected(note.error());
  if (!note->empty()) progress.notes.push_back(std::move(*note));
  co_return Result<>();
}

}  // namespace

std::optional<RestoreItem> next_item(Database& live, const std::string& job) {
  auto row = live.query(
      "SELECT source, account, name, mode, mailbox, next_uid, last_uid FROM restoring WHERE job=?1 AND state=0 "
      "ORDER BY account, mode, source LIMIT 1",
      job);
  if (!row.step()) return std::nullopt;
  return RestoreItem{
      static_cast<MailboxId>(row.integer(0)), static_cast<AccountId>(row.integer(1)), std::string(row.text(2)),
      static_cast<int>(row.integer(3)),       static_cast<MailboxId>(row.integer(4)), static_cast<Uid>(row.integer(5)),
      static_cast<Uid>(row.integer(6))};
}

RestoreProgress progress_of(Database& live, const std::string& job) {
  RestoreProgress out;
  auto row =
      live.query("SELECT count(*), coalesce(sum(state),0) FROM restoring WHERE job=?1 AND state<?2", job, restore_state::told);
  row.step();
  out.mailboxes = row.unsigned_integer(0);
  out.mailboxes_done = row.unsigned_integer(1);
  out.finished = out.mailboxes == out.mailboxes_done;
  return out;
}

Task<Result<>> work_on(Core& core, std::shared_ptr<RestoreJob> job, RestoreItem item, RestoreProgress& progress) {
  const auto work = std::make_shared<Work>(Work{std::move(job), std::move(item), {}, {}});
  auto read = [work](Database& db) -> Result<Slice> { return read_slice(db, work->item); };
  auto slice = co_await work->job->lane.run<Slice>(std::move(read));
  if (!slice) co_return std::unexpected(slice.error());
  work->slice = std::move(*slice);
  if (work->slice.rows.empty()) co_return co_await complete_item(core, work, progress);
  if (auto found = co_await find_bodies(core, work); !found) co_return found;
  if (const auto lost = work->bodies.lost.size(); lost > 0) {
    progress.notes.push_back(fmt::format("{}: {} bodies are damaged in the backup too and stay out", work->item.name, lost));
  }
  auto fresh = std::move(work->bodies.fresh);
  auto write = [work](Transaction& tx, std::span<const NewBody> placed) {
    // The command may run once only, but its references are those of this run.
    Bodies bodies = work->bodies;
    return work->repairs() ? repair_slice(tx, work->name(), work->item, work->slice, bodies, placed)
                           : add_slice(tx, work->name(), work->item, work->slice, bodies, placed);
  };
  const auto done = co_await core.writer->run<std::uint64_t>(std::move(write), std::move(fresh));
  if (!done) co_return std::unexpected(done.error());
  (work->repairs() ? progress.repaired : progress.messages) += *done;
  co_return Result<>();
}

}  // namespace postern::store::sqlite
