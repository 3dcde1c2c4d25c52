// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/undelete.h"

#include <algorithm>

#include "store/keywords.h"
#include "store/mailbox_name.h"
#include "store/messages.h"
#include "store/sqlite/mailboxes.h"
#include "store/sqlite/messages.h"

namespace postern::store::sqlite {

namespace {

/// A mailbox that has, or had, expunged messages.
struct Origin {
  MailboxId id = 0;
  std::string name;
  SpecialUse use = SpecialUse::none;
  bool removed = false;
};

std::vector<Origin> origins(Database& db, AccountId account) {
  std::vector<Origin> out;
  auto row = db.query(
      "SELECT id, name, special_use, 0 FROM mailbox WHERE account=?1 UNION ALL "
      "SELECT id, name, special_use, 1 FROM removed_mailbox WHERE account=?1 ORDER BY id",
      account);
  while (row.step()) {
    out.push_back({static_cast<MailboxId>(row.integer(0)), std::string(row.text(1)), static_cast<SpecialUse>(row.integer(2)),
                   row.integer(3) != 0});
  }
  return out;
}

/// The origins that the choice speaks of; names compare in their canonical form.
std::vector<Origin> chosen_origins(Database& db, const ExpungedChoice& choice) {
  auto all = origins(db, choice.account);
  if (choice.mailbox.empty()) return all;
  const std::string name = canonical_mailbox(choice.mailbox).value_or(choice.mailbox);
  std::erase_if(all, [&](const Origin& origin) { return origin.name != name; });
  return all;
}

bool is_chosen(const ExpungedChoice& choice, MailboxId mailbox, Uid uid) {
  if (choice.ids.empty()) return true;
  return std::any_of(choice.ids.begin(), choice.ids.end(),
                     [&](const ExpungedId& id) { return id.mailbox == mailbox && id.uid == uid; });
}

/// One row of `reap` that comes back.
struct Expunged {
  Uid uid = 0;
  std::uint64_t flags = 0;
  std::uint64_t size = 0;
};

std::vector<Expunged> chosen_rows(Database& db, const ExpungedChoice& choice, const Origin& origin, UnixTime oldest) {
  std::vector<Expunged> out;
  auto row = db.query(
      "SELECT id, flags, size FROM reap WHERE id BETWEEN ?1 AND ?2 AND expunged_at>=?3 AND expunged_at>0 AND moved=0 ORDER BY id",
      message_id(origin.id, 0), message_id(origin.id, UINT32_MAX), std::max(oldest, choice.since.value_or(0)));
  while (row.step()) {
    const Uid uid = uid_of(row.integer(0));
    if (is_chosen(choice, origin.id, uid)) out.push_back({uid, row.unsigned_integer(1), row.unsigned_integer(2)});
  }
  return out;
}

}  // namespace

Result<std::vector<ExpungedMessage>> list_expunged(Database& db, const ExpungedChoice& choice, UnixTime oldest,
                                                   std::size_t most) {
  if (db.integer(0, "SELECT 1 FROM account WHERE id=?1", choice.account) == 0) {
    return fail(ErrorKind::not_found, "no such account");
  }
  std::vector<ExpungedMessage> out;
  for (const Origin& origin : chosen_origins(db, choice)) {
    const Keywords names = read_keywords(db, origin.id);
    auto row = db.query(
        "SELECT r.id, r.expunged_at, r.idate, r.size, r.flags, x.envelope FROM reap r LEFT JOIN msgmeta x ON x.id=r.id "
        "WHERE r.id BETWEEN ?1 AND ?2 AND r.expunged_at>=?3 AND r.expunged_at>0 AND r.moved=0 ORDER BY r.expunged_at DESC "
        "LIMIT ?4",
        message_id(origin.id, 0), message_id(origin.id, UINT32_MAX), std::max(oldest, choice.since.value_or(0)), most);
    while (row.step()) {
      const Uid uid = uid_of(row.integer(0));
      if (!is_chosen(choice, origin.id, uid)) continue;
      ExpungedMessage one{{origin.id, uid}, origin.name, origin.removed, row.integer(1), row.integer(2), row.unsigned_integer(3)};
      one.flags = row.unsigned_integer(4);
      one.keywords = keyword_names(names, one.flags);
      one.envelope = row.text(5);
      out.push_back(std::move(one));
    }
  }
  std::sort(out.begin(), out.end(), [](const ExpungedMessage& a, const ExpungedMessage& b) {
    return std::tie(b.expunged_at, a.id.mailbox, a.id.uid) < std::tie(a.expunged_at, b.id.mailbox, b.id.uid);
  });
  if (out.size() > most) out.resize(most);
  return out;
}

namespace {

/// What comes back out of one mailbox.
struct Share {
  Origin origin;
  std::vector<Expunged> rows;
};

/// The mailbox that gets the share: the named one, the one it was in, or that one made again.
Result<MailboxState*> target_of(Transaction& tx, const UndeleteOrder& order, const Origin& origin) {
  const AccountId account = order.which.account;
  if (!order.into.empty()) return mailbox_for_delivery(tx, account, order.into);
  if (!origin.removed) return tx.mailbox(origin.id);
  const bool there = tx.find(account, origin.name) != nullptr;
  auto made = mailbox_for_delivery(tx, account, origin.name);
  if (!made || there) return made;
  const auto use_taken = tx.db().integer(0, "SELECT 1 FROM mailbox WHERE account=?1 AND special_use=?2", account, origin.use);
  if (use_taken == 0) tx.db().run("UPDATE mailbox SET special_use=?2 WHERE id=?1", (*made)->id, origin.use);
  return made;
}

/// Rows of one dense range of old UIDs become messages with dense new UIDs.
void revive(Transaction& tx, MailboxId from, UidRange range, std::int64_t first, ModSeq modseq) {
  const auto lo = message_id(from, range.lo);
  const auto hi = message_id(from, range.hi);
  tx.db().run(
      "INSERT INTO message(id, modseq, flags, idate, saved, size, psize, blob) "
      "SELECT id-?1+?3, ?4, flags, idate, ?5, size, psize, blob FROM reap WHERE id BETWEEN ?1 AND ?2",
      lo, hi, first, modseq, tx.now());
  tx.db().run(
      "INSERT INTO msgmeta(id, envelope, bodystructure, parts, prefix) "
      "SELECT id-?1+?3, envelope, bodystructure, parts, prefix FROM msgmeta WHERE id BETWEEN ?1 AND ?2",
      lo, hi, first);
  tx.db().run("DELETE FROM msgmeta WHERE id BETWEEN ?1 AND ?2", lo, hi);
  tx.db().run("DELETE FROM reap WHERE id BETWEEN ?1 AND ?2", lo, hi);
}

/// Puts the share at the end of the mailbox.
Result<> add_share(Transaction& tx, const Share& share, MailboxState& to) {
  if (share.rows.size() > UINT32_MAX - to.uidnext) return fail(ErrorKind::limit, "the mailbox has no UIDs left");
  std::uint64_t used = 0;
  UidSet uids;
  for (const Expunged& one : share.rows) {
    used |= one.flags;
    uids.add(one.uid);
  }
  Keywords names = *to.keywords;
  const bool same = to.id == share.origin.id;
  const KeywordMap map =
      same ? KeywordMap{}
           : map_keywords(read_keywords(tx.db(), share.origin.id), used, names, [&] { return keywords_in_use(tx, to); });
  tx.set_keywords(to, std::move(names));
  const ModSeq modseq = tx.next_modseq(to);
  Uid next = to.uidnext;
  for (const auto& range : uids.ranges()) {
    revive(tx, share.origin.id, range, message_id(to.id, next), modseq);
    next += range.hi - range.lo + 1;
  }
  for (const Expunged& one : share.rows) {
    // \Deleted is what brought most of them here; it must not take them away again.
    const std::uint64_t flags = (same ? one.flags : map.apply(one.flags)) & ~flag::deleted;
    const Uid uid = to.uidnext++;
    if (flags != one.flags) {
      tx.db().run("UPDATE message SET flags=?2 WHERE id=?1", message_id(to.id, uid), static_cast<std::int64_t>(flags));
    }
    const auto hint = static_cast<std::uint32_t>(std::min<std::uint64_t>(one.size, UINT32_MAX));
    count_in(tx, to, Row{uid, hint, flags, modseq}, one.size);
  }
  return {};
}

/// A mailbox that is whole again is not a removed one any more.
void forget_if_empty(Transaction& tx, const Origin& origin) {
  const auto left = tx.db().integer(0, "SELECT EXISTS (SELECT 1 FROM reap WHERE id BETWEEN ?1 AND ?2 AND moved=0)",
                                    message_id(origin.id, 0), message_id(origin.id, UINT32_MAX));
  if (left != 0) return;
  tx.db().run("DELETE FROM removed_mailbox WHERE id=?1", origin.id);
  tx.db().run("DELETE FROM keyword WHERE mailbox=?1", origin.id);
}

/// The shares that the order asks for; a removed mailbox comes back also when it was empty.
std::vector<Share> collect(Transaction& tx, const UndeleteOrder& order, UnixTime oldest) {
  std::vector<Share> shares;
  for (Origin& origin : chosen_origins(tx.db(), order.which)) {
    auto rows = chosen_rows(tx.db(), order.which, origin, oldest);
    const bool asked_by_name = origin.removed && !order.which.mailbox.empty() && order.which.ids.empty();
    if (!rows.empty() || asked_by_name) shares.push_back({std::move(origin), std::move(rows)});
  }
  return shares;
}

}  // namespace

Result<Undeleted> undelete(Transaction& tx, const UndeleteOrder& order, UnixTime oldest) {
  AccountState* account = tx.account(order.which.account);
  if (!account) return fail(ErrorKind::not_found, "no such account");
  const auto shares = collect(tx, order, oldest);
  std::uint64_t bytes = 0;
  std::uint64_t count = 0;
  for (const Share& share : shares) {
    count += share.rows.size();
    for (const Expunged& one : share.rows) bytes += one.size;
  }
  if (shares.empty()) return fail(ErrorKind::not_found, "nothing that can be brought back matches");
  if (order.quota == QuotaRule::keep) {
    if (auto room = check_quota(*account, bytes, count); !room) return std::unexpected(room.error());
  }
  Undeleted out{count, {}};
  for (const Share& share : shares) {
    const auto to = target_of(tx, order, share.origin);
    if (!to) return std::unexpected(to.error());
    if (auto added = add_share(tx, share, **to); !added) return std::unexpected(added.error());
    if (share.origin.removed) forget_if_empty(tx, share.origin);
    auto row = tx.db().query("SELECT name FROM mailbox WHERE id=?1", (*to)->id);
    if (!row.step()) continue;
    const std::string name(row.text(0));
    if (std::find(out.mailboxes.begin(), out.mailboxes.end(), name) == out.mailboxes.end()) out.mailboxes.push_back(name);
  }
  return out;
}

void forget_removed_mailboxes(Transaction& tx, AccountId account) {
  Database& db = tx.db();
  for (const Origin& origin : origins(db, account)) {
    if (!origin.removed) continue;
    db.run("UPDATE reap SET expunged_at=0 WHERE id BETWEEN ?1 AND ?2", message_id(origin.id, 0),
           message_id(origin.id, UINT32_MAX));
  }
  db.run("DELETE FROM keyword WHERE mailbox IN (SELECT id FROM removed_mailbox WHERE account=?1)", account);
  db.run("DELETE FROM removed_mailbox WHERE account=?1", account);
}

void reap_removed_mailboxes(Transaction& tx, UnixTime removed_before) {
  Database& db = tx.db();
  db.run("DELETE FROM keyword WHERE mailbox IN (SELECT id FROM removed_mailbox WHERE removed_at<?1)", removed_before);
  db.run("DELETE FROM removed_mailbox WHERE removed_at<?1", removed_before);
}

}  // namespace postern::store::sqlite
