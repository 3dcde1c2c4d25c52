// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/messages.h"

#include <algorithm>

#include "store/mailbox_name.h"
#include "store/messages.h"
#include "store/sqlite/imports.h"
#include "store/sqlite/mailboxes.h"
#include "store/sqlite/queue_writes.h"

namespace postern::store::sqlite {

namespace {

/// A row with its exact size.
struct Found {
  Row row;
  std::uint64_t size = 0;
};

std::uint32_t hint(std::uint64_t size) { return static_cast<std::uint32_t>(std::min<std::uint64_t>(size, UINT32_MAX)); }

std::vector<Found> rows_in(Transaction& tx, const MailboxState& mailbox, const UidSet& uids) {
  std::vector<Found> out;
  for (const auto& range : uids.ranges()) {
    // Behind UIDNEXT lie the copies of a COPY that has not ended.
    auto row = tx.db().query("SELECT id, modseq, flags, size FROM message WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
                             message_id(mailbox.id, range.lo), message_id(mailbox.id, std::min(range.hi, mailbox.uidnext - 1)));
    while (row.step()) {
      const std::uint64_t size = row.unsigned_integer(3);
      out.push_back({Row{uid_of(row.integer(0)), hint(size), row.unsigned_integer(2), row.unsigned_integer(1)}, size});
    }
  }
  return out;
}

/// Of expunged messages too: undelete brings their keywords back.
std::uint64_t flags_in_use(Transaction& tx, const MailboxState& mailbox) {
  std::uint64_t bits = 0;
  auto row = tx.db().query(
      "SELECT flags FROM message WHERE id BETWEEN ?1 AND ?2 UNION SELECT flags FROM reap WHERE id BETWEEN ?1 AND ?2",
      message_id(mailbox.id, 0), message_id(mailbox.id, UINT32_MAX));
  while (row.step()) bits |= row.unsigned_integer(0);
  return bits;
}

/// Counts rows with these flags into (by = 1) or out of (by = -1) the mailbox.
void count_flags(MailboxState& mailbox, std::uint64_t flags, int by) {
  const auto step = static_cast<std::uint64_t>(by);
  if ((flags & flag::seen) == 0) mailbox.unseen += step;
  if ((flags & flag::deleted) != 0) mailbox.deleted += step;
}

void count_message(Transaction& tx, MailboxState& mailbox, const Found& found, int by) {
  const auto step = static_cast<std::uint64_t>(by);
  mailbox.messages += step;
  mailbox.bytes += step * found.size;
  count_flags(mailbox, found.row.flags, by);
  if (AccountState* account = tx.account(mailbox.account)) {
    tx.charge(*account, by * static_cast<std::int64_t>(found.size), by);
  }
}

/// The same for many rows, with one look at the account.
void count_messages(Transaction& tx, MailboxState& mailbox, const std::vector<Found>& rows, int by) {
  std::uint64_t bytes = 0;
  for (const Found& found : rows) {
    bytes += found.size;
    count_flags(mailbox, found.row.flags, by);
  }
  mailbox.messages += static_cast<std::uint64_t>(by) * rows.size();
  mailbox.bytes += static_cast<std::uint64_t>(by) * bytes;
  if (AccountState* account = tx.account(mailbox.account)) {
    tx.charge(*account, by * static_cast<std::int64_t>(bytes), by * static_cast<std::int64_t>(rows.size()));
  }
}

void touch_both(Transaction& tx, MailboxState& mailbox) {
  tx.touch(mailbox);
  if (AccountState* account = tx.account(mailbox.account)) tx.touch(*account);
}

/// What becomes of rows that leave a mailbox: undelete offers expunged ones, not what lives on elsewhere.
enum class Leaves : std::uint8_t { expunged = 0, moved = 1 };

/// Moves existing rows from `message` to `reap` and counts them out. `uids` holds exactly the rows' UIDs.
void remove_rows(Transaction& tx, MailboxState& mailbox, const std::vector<Found>& rows, const UidSet& uids, Leaves leaves) {
  if (rows.empty()) return;
  touch_both(tx, mailbox);
  const ModSeq modseq = tx.next_modseq(mailbox);
  for (const auto& range : uids.ranges()) {
    const auto lo = message_id(mailbox.id, range.lo);
    const auto hi = message_id(mailbox.id, range.hi);
    tx.db().run(
        "INSERT INTO reap(id, blob, expunged_at, modseq, flags, idate, size, psize, moved) "
        "SELECT id, blob, ?3, ?4, flags, idate, size, psize, ?5 FROM message WHERE id BETWEEN ?1 AND ?2",
        lo, hi, tx.now(), modseq, leaves);
    tx.db().run("DELETE FROM message WHERE id BETWEEN ?1 AND ?2", lo, hi);
    tx.db().run("INSERT INTO vanished(mailbox, modseq, lo, hi, at) VALUES (?1,?2,?3,?4,?5)", mailbox.id, modseq, range.lo,
                range.hi, tx.now());
    tx.rows_gone(mailbox, range);
  }
  count_messages(tx, mailbox, rows, -1);
}

UidSet uids_of(const std::vector<Found>& rows) {
  UidSet out;
  for (const Found& found : rows) out.add(found.row.uid);
  return out;
}

}  // namespace

Result<> check_quota(const DomainState& domain, std::uint64_t bytes, std::uint64_t messages) {
  if (domain.quota.has_room(bytes, messages)) return {};
  return fail(ErrorKind::over_quota, "the domain " + domain.name + " is over its quota");
}

Result<> check_quota(const AccountState& account, std::uint64_t bytes, std::uint64_t messages) {
  if (!account.quota.has_room(bytes, messages)) {
    return fail(ErrorKind::over_quota, "the account " + account.login + " is over its quota");
  }
  return check_quota(*account.domain, bytes, messages);
}

Uid insert_message(Transaction& tx, MailboxState& mailbox, const Insert& message) {
  if (mailbox.uidnext == UINT32_MAX) throw SqlError{{ErrorKind::limit, "the mailbox has no UIDs left"}};
  touch_both(tx, mailbox);
  const ModSeq modseq = tx.next_modseq(mailbox);
  const Uid uid = mailbox.uidnext++;
  const std::uint64_t size = message.prefix.size() + message.body_size;
  const auto id = message_id(mailbox.id, uid);
  tx.db().run("INSERT INTO message(id, modseq, flags, idate, saved, size, psize, blob) VALUES (?1,?2,?3,?4,?5,?6,?7,?8)", id,
              modseq, static_cast<std::int64_t>(message.flags), message.internal_date, tx.now(), size, message.prefix.size(),
              message.blob);
  tx.db().run("INSERT INTO msgmeta(id, envelope, bodystructure, parts, prefix) VALUES (?1,?2,?3,?4,?5)", id,
              Blob{message.meta.envelope}, Blob{message.meta.bodystructure}, Blob{message.meta.parts}, Blob{message.prefix});
  const Found found{Row{uid, hint(size), message.flags, modseq}, size};
  count_message(tx, mailbox, found, 1);
  tx.row_changed(mailbox, found.row);
  return uid;
}

namespace {

/// Unknown accounts, bad names and quotas over all deliveries together, before anything changes.
Result<> check_deliveries(Transaction& tx, const Acceptance& acceptance) {
  std::vector<std::pair<AccountState*, Quota>> shares;
  for (const auto& delivery : acceptance.deliveries) {
    AccountState* account = tx.account(delivery.account);
    if (!account) return fail(ErrorKind::not_found, "no such account");
    auto share = std::find_if(shares.begin(), shares.end(), [&](const auto& one) { return one.first == account; });
    if (share == shares.end()) share = shares.insert(shares.end(), {account, Quota{}});
    share->second.used_bytes += delivery.prefix.size() + acceptance.body->size();
    ++share->second.used_messages;
  }
  for (const auto& [account, share] : shares) {
    if (auto room = check_quota(*account, share.used_bytes, share.used_messages); !room) return room;
    Quota of_domain;
    for (const auto& [other, more] : shares) {
      if (other->domain != account->domain) continue;
      of_domain.used_bytes += more.used_bytes;
      of_domain.used_messages += more.used_messages;
    }
    if (auto room = check_quota(*account->domain, of_domain.used_bytes, of_domain.used_messages); !room) return room;
  }
  return {};
}

}  // namespace

Result<Accepted> accept(Transaction& tx, const Acceptance& acceptance, const NewBody& body) {
  if (auto checked = check_deliveries(tx, acceptance); !checked) return std::unexpected(checked.error());
  Accepted out;
  const auto refs = static_cast<std::int64_t>(acceptance.deliveries.size()) + (acceptance.enqueue ? 1 : 0);
  if (refs == 0) return out;
  const std::int64_t blob = tx.add_blob(body, refs);
  for (const auto& delivery : acceptance.deliveries) {
    auto mailbox = mailbox_for_delivery(tx, delivery.account, delivery.mailbox);
    if (!mailbox) return std::unexpected(mailbox.error());
    const Uid uid = insert_message(tx, **mailbox,
                                   {.blob = blob,
                                    .body_size = acceptance.body->size(),
                                    .prefix = delivery.prefix,
                                    .meta = acceptance.meta,
                                    .flags = delivery.flags & flag::system_mask,
                                    .internal_date = acceptance.internal_date});
    out.delivered.push_back({delivery.account, (*mailbox)->id, uid});
  }
  if (acceptance.enqueue) out.queued = enqueue(tx, *acceptance.enqueue, blob, acceptance.body->size());
  return out;
}

namespace {

/// The quota for those messages that it holds for.
Result<> check_room(const AccountState& account, const std::vector<NewMessage>& messages) {
  std::uint64_t bytes = 0;
  std::uint64_t count = 0;
  for (const auto& message : messages) {
    if (message.import && message.import->beyond_quota) continue;
    bytes += message.body->size();
    ++count;
  }
  return count == 0 ? Result<>() : check_quota(account, bytes, count);
}

}  // namespace

Result<Appended> append(Transaction& tx, MailboxState& mailbox, const std::vector<NewMessage>& messages,
                        std::span<const NewBody> bodies) {
  if (auto room = check_room(*tx.account(mailbox.account), messages); !room) return std::unexpected(room.error());
  Keywords names = *mailbox.keywords;
  std::vector<std::uint64_t> flags;
  std::uint64_t used = 0;
  for (const auto& message : messages) {
    const auto bits = assign_keywords(names, message.keywords, [&] { return used | flags_in_use(tx, mailbox); });
    if (!bits) return std::unexpected(bits.error());
    flags.push_back((message.flags & flag::system_mask) | *bits);
    used |= flags.back();
  }
  tx.set_keywords(mailbox, std::move(names));
  Appended out{mailbox.uidvalidity, {}};
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::int64_t blob = tx.add_blob(bodies[i], 1);
    if (messages[i].import && !note_import(tx, mailbox.account, messages[i].import->key)) {
      tx.release_blob(blob, 1);
      continue;
    }
    out.uids.add(insert_message(tx, mailbox,
                                {.blob = blob,
                                 .body_size = messages[i].body->size(),
                                 .prefix = {},
                                 .meta = messages[i].meta,
                                 .flags = flags[i],
                                 .internal_date = messages[i].internal_date}));
  }
  return out;
}

namespace {

/// Decides, inside of the one statement that reads and writes the rows, which of them change, and keeps how they are afterwards.
class FlagSink final : public RowSink {
 public:
  FlagSink(FlagMask mask, std::optional<ModSeq> unchanged_since, ModSeq next)
      : mask_(mask), unchanged_since_(unchanged_since), next_(next) {}

  /// True when the row changes.
  bool take(const Values& row) noexcept override {
    const Uid uid = uid_of(row[0]);
    if (unchanged_since_ && static_cast<ModSeq>(row[3]) > *unchanged_since_) {
      modified.add(uid);
      return false;
    }
    changed.add(uid);
    const auto flags = static_cast<std::uint64_t>(row[2]);
    const auto changed_flags = mask_.apply(flags);
    if (changed_flags == flags) return false;
    before.push_back(flags);
    after.push_back({uid, hint(static_cast<std::uint64_t>(row[1])), changed_flags, next_});
    return true;
  }

  UidSet changed;                     ///< those that have the flags now
  UidSet modified;                    ///< those that somebody changed before
  std::vector<std::uint64_t> before;  ///< flags of the rows of `after`
  std::vector<Row> after;

 private:
  const FlagMask mask_;
  const std::optional<ModSeq> unchanged_since_;
  const ModSeq next_;
};

}  // namespace

Result<FlagResult> store_flags(Transaction& tx, MailboxState& mailbox, const UidSet& uids, const FlagChange& change,
                               std::uint64_t may) {
  Keywords names = *mailbox.keywords;
  auto mask = flag_mask(names, change, [&] { return flags_in_use(tx, mailbox); });
  if (!mask) return std::unexpected(mask.error());
  mask->keep |= ~may;
  mask->set &= may;
  tx.require_thawed(mailbox);
  const ModSeq next = mailbox.highest + 1;
  FlagSink sink(*mask, change.unchanged_since, next);
  for (const auto& range : uids.ranges()) {
    // Behind UIDNEXT lie the copies of a COPY that has not ended. One statement, for reading the rows first costs half as much
    // again.
    tx.db().hand_over(sink,
                      "UPDATE message SET flags=(flags&?3)|?4, modseq=?5 WHERE id BETWEEN ?1 AND ?2 AND "
                      "hand_over(id, size, flags, modseq)",
                      message_id(mailbox.id, range.lo), message_id(mailbox.id, std::min(range.hi, mailbox.uidnext - 1)),
                      static_cast<std::int64_t>(mask->keep), static_cast<std::int64_t>(mask->set), next);
  }
  FlagResult out{std::move(sink.changed), std::move(sink.modified), mailbox.highest};
  if (sink.after.empty() && names == *mailbox.keywords) return out;
  tx.set_keywords(mailbox, std::move(names));
  out.modseq = tx.next_modseq(mailbox);
  for (std::size_t i = 0; i < sink.after.size(); ++i) {
    count_flags(mailbox, sink.before[i], -1);
    count_flags(mailbox, sink.after[i].flags, 1);
    tx.row_changed(mailbox, sink.after[i]);
  }
  return out;
}

Result<UidSet> expunge(Transaction& tx, MailboxState& mailbox, const UidSet& uids, ExpungeMode mode) {
  auto rows = rows_in(tx, mailbox, uids);
  if (mode == ExpungeMode::marked_deleted) {
    std::erase_if(rows, [](const Found& found) { return (found.row.flags & flag::deleted) == 0; });
  }
  UidSet gone = uids_of(rows);
  remove_rows(tx, mailbox, rows, gone, Leaves::expunged);
  return gone;
}

void copy_range(Transaction& tx, const MailboxState& from, UidRange range, std::int64_t first, ModSeq modseq) {
  const auto lo = message_id(from.id, range.lo);
  const auto hi = message_id(from.id, range.hi);
  const auto copies = tx.db().run(
      "INSERT INTO message(id, modseq, flags, idate, saved, size, psize, blob) "
      "SELECT id-?1+?3, ?4, flags, idate, ?5, size, psize, blob FROM message WHERE id BETWEEN ?1 AND ?2",
      lo, hi, first, modseq, tx.now());
  tx.db().run(
      "INSERT INTO msgmeta(id, envelope, bodystructure, parts, prefix) "
      "SELECT id-?1+?3, envelope, bodystructure, parts, prefix FROM msgmeta WHERE id BETWEEN ?1 AND ?2",
      lo, hi, first);
  const auto bodies =
      tx.db().run("UPDATE blob SET refs=refs+1 WHERE id IN (SELECT blob FROM message WHERE id BETWEEN ?1 AND ?2)", lo, hi);
  if (bodies == copies) return;
  // A body that several of them share. Counting them costs three times as much as the statement above.
  tx.db().run(
      "UPDATE blob SET refs=refs+more.n-1 FROM (SELECT blob AS b, count(*) AS n FROM message WHERE id BETWEEN ?1 AND ?2 "
      "GROUP BY blob HAVING count(*)>1) AS more WHERE blob.id=more.b",
      lo, hi);
}

void publish_rows(Transaction& tx, MailboxState& mailbox, Uid first, Uid last) {
  touch_both(tx, mailbox);
  tx.next_modseq(mailbox);
  mailbox.uidnext = last + 1;
  const auto rows = rows_in(tx, mailbox, UidSet{{first, last}});
  for (const Found& found : rows) tx.row_changed(mailbox, found.row);
  count_messages(tx, mailbox, rows, 1);
}

void move_out(Transaction& tx, MailboxState& mailbox, const UidSet& uids) {
  const auto rows = rows_in(tx, mailbox, uids);
  remove_rows(tx, mailbox, rows, uids_of(rows), Leaves::moved);
}

Result<Copied> copy(Transaction& tx, MailboxState& from, const UidSet& uids, MailboxState& to, CopyMode mode) {
  const auto rows = rows_in(tx, from, uids);
  Copied out{to.uidvalidity, uids_of(rows), {}};
  if (rows.empty()) return out;
  std::uint64_t bytes = 0;
  std::uint64_t used = 0;
  for (const Found& found : rows) {
    bytes += found.size;
    used |= found.row.flags;
  }
  if (mode == CopyMode::copy) {
    if (auto room = check_quota(*tx.account(to.account), bytes, rows.size()); !room) return std::unexpected(room.error());
  }
  if (rows.size() > UINT32_MAX - to.uidnext) return fail(ErrorKind::limit, "the mailbox has no UIDs left");
  Keywords names = *to.keywords;
  const KeywordMap map = map_keywords(*from.keywords, used, names, [&] { return flags_in_use(tx, to); });
  tx.set_keywords(to, std::move(names));
  touch_both(tx, to);
  const ModSeq modseq = tx.next_modseq(to);
  Uid next = to.uidnext;
  for (const auto& range : out.from.ranges()) {
    copy_range(tx, from, range, message_id(to.id, next), modseq);
    next += range.hi - range.lo + 1;
  }
  std::vector<Found> arrived;
  arrived.reserve(rows.size());
  for (const Found& found : rows) {
    const Found& fresh =
        arrived.emplace_back(Row{to.uidnext++, found.row.size_hint, map.apply(found.row.flags), modseq}, found.size);
    if (fresh.row.flags != found.row.flags) {
      tx.db().run("UPDATE message SET flags=?2 WHERE id=?1", message_id(to.id, fresh.row.uid),
                  static_cast<std::int64_t>(fresh.row.flags));
    }
    tx.row_changed(to, fresh.row);
    out.to.add(fresh.row.uid);
  }
  count_messages(tx, to, arrived, 1);
  if (mode == CopyMode::move) remove_rows(tx, from, rows, out.from, Leaves::moved);
  return out;
}

void count_in(Transaction& tx, MailboxState& mailbox, const Row& row, std::uint64_t size) {
  touch_both(tx, mailbox);
  count_message(tx, mailbox, Found{row, size}, 1);
  tx.row_changed(mailbox, row);
}

std::uint64_t keywords_in_use(Transaction& tx, const MailboxState& mailbox) { return flags_in_use(tx, mailbox); }

void reap_all(Transaction& tx, MailboxState& mailbox, Fate fate) {
  const auto lo = message_id(mailbox.id, 0);
  const auto hi = message_id(mailbox.id, UINT32_MAX);
  touch_both(tx, mailbox);
  if (AccountState* account = tx.account(mailbox.account)) {
    tx.charge(*account, -static_cast<std::int64_t>(mailbox.bytes), -static_cast<std::int64_t>(mailbox.messages));
  }
  const bool lost = fate == Fate::lost;
  tx.db().run(
      "INSERT INTO reap(id, blob, expunged_at, modseq, flags, idate, size, psize) "
      "SELECT id, blob, ?3, ?4, flags, idate, size, psize FROM message WHERE id BETWEEN ?1 AND ?2",
      lo, hi, lost ? UnixTime{0} : tx.now(), mailbox.highest);
  tx.db().run("DELETE FROM message WHERE id BETWEEN ?1 AND ?2", lo, hi);
  tx.db().run("DELETE FROM vanished WHERE mailbox=?1", mailbox.id);
  if (!lost) return;
  tx.db().run("UPDATE reap SET expunged_at=0 WHERE id BETWEEN ?1 AND ?2", lo, hi);
  tx.db().run("DELETE FROM keyword WHERE mailbox=?1", mailbox.id);
}

bool reap_expired(Transaction& tx, UnixTime expunged_before, std::size_t most) {
  std::vector<std::pair<std::int64_t, std::int64_t>> rows;
  {
    auto row =
        tx.db().query("SELECT id, blob FROM reap WHERE expunged_at<?1 ORDER BY expunged_at LIMIT ?2", expunged_before, most);
    while (row.step()) rows.emplace_back(row.integer(0), row.integer(1));
  }
  MailboxId known = 0;
  for (const auto& [id, blob] : rows) {
    const auto mailbox = static_cast<MailboxId>(id >> 32);
    if (const MailboxState* state = mailbox != known ? tx.mailbox(mailbox) : nullptr) tx.text_left(state->account);
    known = mailbox;
    tx.db().run("DELETE FROM msgmeta WHERE id=?1", id);
    tx.db().run("DELETE FROM reap WHERE id=?1", id);
    tx.release_blob(blob, 1);
  }
  return rows.size() == most;
}

}  // namespace postern::store::sqlite
