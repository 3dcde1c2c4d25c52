// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/big_copy.h"

#include <algorithm>

#include "store/messages.h"
#include "store/sqlite/sharing_writes.h"

namespace postern::store::sqlite {

namespace {

std::unexpected<Error> no_mailbox() { return fail(ErrorKind::not_found, "no such mailbox"); }

/// Rows of the set, their octets, and the flags they use.
struct Sum {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
};
Sum sum_of(Database& db, const MailboxState& mailbox, const UidSet& uids) {
  Sum out;
  for (const auto& range : uids.intersect(UidSet{{1, mailbox.uidnext}}).ranges()) {
    auto row = db.query("SELECT count(*), coalesce(sum(size),0) FROM message WHERE id BETWEEN ?1 AND ?2",
                        message_id(mailbox.id, range.lo), message_id(mailbox.id, std::min(range.hi, mailbox.uidnext - 1)));
    if (!row.step()) continue;
    out.rows += row.unsigned_integer(0);
    out.bytes += row.unsigned_integer(1);
  }
  return out;
}

/// The first rows of the set, with their flags.
std::vector<std::pair<Uid, std::uint64_t>> some_rows(Database& db, MailboxId mailbox, const UidSet& uids, std::size_t most) {
  std::vector<std::pair<Uid, std::uint64_t>> out;
  for (const auto& range : uids.ranges()) {
    auto row = db.query("SELECT id, flags FROM message WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3",
                        message_id(mailbox, range.lo), message_id(mailbox, range.hi), most - out.size());
    while (row.step()) out.emplace_back(uid_of(row.integer(0)), row.unsigned_integer(1));
    if (out.size() == most) break;
  }
  return out;
}

/// Takes back up to `most` of the copies between these ids, the last ones first; gives the first id that went, or nothing.
std::optional<std::int64_t> take_back(Transaction& tx, std::int64_t first, std::int64_t last, std::size_t most) {
  std::vector<std::pair<std::int64_t, std::int64_t>> rows;
  {
    auto row =
        tx.db().query("SELECT id, blob FROM message WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT ?3", first, last, most);
    while (row.step()) rows.emplace_back(row.integer(0), row.integer(1));
  }
  if (rows.empty()) return std::nullopt;
  for (const auto& [id, blob] : rows) tx.release_blob(blob, 1);
  tx.db().run("DELETE FROM message WHERE id BETWEEN ?1 AND ?2", rows.back().first, rows.front().first);
  tx.db().run("DELETE FROM msgmeta WHERE id BETWEEN ?1 AND ?2", rows.back().first, rows.front().first);
  return rows.back().first;
}

}  // namespace

std::optional<Result<Copied>> BigCopy::step(Transaction& tx) {
  const auto rights = allow_copy(tx, {order_.account, order_.from}, {order_.account, order_.to}, order_.mode);
  if (!rights) return std::unexpected(rights.error());
  auto done = visit(tx);
  if (done && *done) {
    const auto settled = settle_copies(tx, *rights, {order_.account, order_.from}, {order_.account, order_.to}, **done);
    if (!settled) return std::unexpected(settled.error());
  }
  return done;
}

std::optional<Result<Copied>> BigCopy::visit(Transaction& tx) {
  MailboxState* from = tx.mailbox(order_.from);
  MailboxState* to = tx.mailbox(order_.to);
  if (!from || !to) return no_mailbox();
  const auto progress = copied_.empty() ? std::nullopt : read_progress(tx);
  if (!progress) return begin(tx, *from, *to);
  tx.permit(*from);
  tx.permit(*to);
  if (copy_slice(tx, *progress)) return std::nullopt;
  return finish(tx, *progress);
}

std::optional<Result<Copied>> BigCopy::begin(Transaction& tx, MailboxState& from, MailboxState& to) {
  tx.require_thawed(from);
  tx.require_thawed(to);
  const Sum sum = sum_of(tx.db(), from, order_.uids);
  if (sum.rows <= single_rows) return copy(tx, from, order_.uids, to, order_.mode);
  if (order_.mode == CopyMode::copy) {
    if (auto room = check_quota(*tx.account(to.account), sum.bytes, sum.rows); !room) return std::unexpected(room.error());
  }
  if (sum.rows > UINT32_MAX - to.uidnext) return fail(ErrorKind::limit, "the mailbox has no UIDs left");
  tx.db().run("INSERT INTO copying(target, source, moves, first_uid, next_uid, after_uid, end_uid) VALUES (?1,?2,?3,?4,?4,0,?5)",
              to.id, from.id, order_.mode == CopyMode::move, to.uidnext, from.uidnext);
  tx.freeze(to, true);
  if (order_.mode == CopyMode::move) tx.freeze(from, true);
  copied_[0] = {};
  return std::nullopt;
}

std::optional<BigCopy::Progress> BigCopy::read_progress(Transaction& tx) const {
  auto row = tx.db().query("SELECT first_uid, next_uid, after_uid, end_uid FROM copying WHERE target=?1", order_.to);
  if (!row.step()) return std::nullopt;
  return Progress{static_cast<Uid>(row.integer(0)), static_cast<Uid>(row.integer(1)), static_cast<Uid>(row.integer(2)),
                  static_cast<Uid>(row.integer(3))};
}

/// False when no source rows are left.
bool BigCopy::copy_slice(Transaction& tx, const Progress& progress) {
  MailboxState& from = *tx.mailbox(order_.from);
  MailboxState& to = *tx.mailbox(order_.to);
  if (progress.after + 1 >= progress.end) return false;
  const auto rows =
      some_rows(tx.db(), from.id, order_.uids.intersect(UidSet{{progress.after + 1, progress.end - 1}}), slice_rows);
  if (rows.empty()) return false;
  UidSet uids;
  std::uint64_t used = 0;
  for (const auto& [uid, flags] : rows) {
    uids.add(uid);
    used |= flags;
  }
  Keywords names = *to.keywords;
  const KeywordMap map = map_keywords(*from.keywords, used, names, [&] { return keywords_in_use(tx, to); });
  tx.set_keywords(to, std::move(names));
  Uid next = progress.next;
  for (const auto& range : uids.ranges()) {
    copy_range(tx, from, range, message_id(to.id, next), to.highest + 1);
    next += range.hi - range.lo + 1;
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::uint64_t flags = map.apply(rows[i].second);
    if (flags == rows[i].second) continue;
    tx.db().run("UPDATE message SET flags=?2 WHERE id=?1", message_id(to.id, progress.next) + static_cast<std::int64_t>(i),
                static_cast<std::int64_t>(flags));
  }
  tx.db().run("UPDATE copying SET next_uid=?2, after_uid=?3 WHERE target=?1", to.id, next, rows.back().first);
  copied_[progress.next] = std::move(uids);
  return true;
}

Result<Copied> BigCopy::finish(Transaction& tx, const Progress& progress) {
  MailboxState& from = *tx.mailbox(order_.from);
  MailboxState& to = *tx.mailbox(order_.to);
  tx.db().run("DELETE FROM copying WHERE target=?1", to.id);
  tx.freeze(to, false);
  Copied out{to.uidvalidity, {}, {}};
  for (const auto& [first, uids] : copied_) {
    for (const auto& range : uids.ranges()) out.from.add(range);
  }
  if (progress.next > progress.first) {
    publish_rows(tx, to, progress.first, progress.next - 1);
    out.to.add(UidRange{progress.first, progress.next - 1});
  }
  if (order_.mode == CopyMode::move) {
    tx.freeze(from, false);
    move_out(tx, from, out.from);
  }
  return out;
}

std::optional<Result<Copied>> BigCopy::undo_step(Transaction& tx, const Error& error) {
  const auto progress = read_progress(tx);
  if (!progress) return std::unexpected(error);
  const auto first = message_id(order_.to, progress->first);
  if (take_back(tx, first, message_id(order_.to, UINT32_MAX), slice_rows)) return std::nullopt;
  tx.db().run("DELETE FROM copying WHERE target=?1", order_.to);
  for (const MailboxId id : {order_.to, order_.from}) {
    if (MailboxState* mailbox = tx.mailbox(id)) tx.freeze(*mailbox, false);
  }
  return std::unexpected(error);
}

std::size_t undo_copies(Transaction& tx) {
  std::size_t undone = 0;
  std::vector<std::pair<std::int64_t, std::int64_t>> ranges;
  {
    auto row = tx.db().query("SELECT target, first_uid FROM copying");
    while (row.step()) {
      const auto target = static_cast<MailboxId>(row.integer(0));
      ranges.emplace_back(message_id(target, static_cast<Uid>(row.integer(1))), message_id(target, UINT32_MAX));
    }
  }
  for (const auto& [first, last] : ranges) {
    undone +=
        static_cast<std::size_t>(tx.db().integer(0, "SELECT count(*) FROM message WHERE id BETWEEN ?1 AND ?2", first, last));
    while (take_back(tx, first, last, BigCopy::slice_rows)) {
    }
  }
  tx.db().run("DELETE FROM copying");
  return undone;
}

}  // namespace postern::store::sqlite
