// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/mailboxes.h"

#include <algorithm>

#include "store/mailbox_name.h"
#include "store/sqlite/messages.h"
#include "store/sqlite/sharing_writes.h"

namespace postern::store::sqlite {

namespace {

MailboxInfo describe(Query& row) {
  MailboxInfo info;
  info.id = static_cast<MailboxId>(row.integer(0));
  info.name = row.text(1);
  info.use = static_cast<SpecialUse>(row.integer(2));
  info.uidvalidity = static_cast<std::uint32_t>(row.integer(3));
  info.uidnext = static_cast<Uid>(row.integer(4));
  info.highest = row.unsigned_integer(5);
  info.messages = static_cast<std::uint32_t>(row.integer(6));
  info.unseen = static_cast<std::uint32_t>(row.integer(7));
  info.deleted = static_cast<std::uint32_t>(row.integer(8));
  info.bytes = row.unsigned_integer(9);
  info.recent = static_cast<std::uint32_t>(row.integer(10));
  return info;
}

void make_parents(Transaction& tx, AccountId account, std::string_view name) {
  for (const auto& parent : mailbox_parents(name)) {
    if (!tx.find(account, parent)) tx.make_mailbox(account, parent, SpecialUse::none);
  }
}

/// Errors: limit, when the mailbox and its missing parents would be too many.
Result<> check_room(Transaction& tx, AccountId account, std::string_view name) {
  const auto parents = mailbox_parents(name);
  const auto missing = std::count_if(parents.begin(), parents.end(), [&](const auto& p) { return !tx.find(account, p); });
  const auto have = tx.db().integer(0, "SELECT count(*) FROM mailbox WHERE account=?1", account);
  if (have + missing + 1 > static_cast<std::int64_t>(max_mailboxes)) {
    return fail(ErrorKind::limit, "the account has 10000 mailboxes");
  }
  return {};
}

}  // namespace

std::optional<MailboxInfo> read_mailbox(Database& db, AccountId account, std::string_view name) {
  auto row = db.query(
      "SELECT id, name, special_use, uidvalidity, uidnext, highest, messages, unseen, deleted, bytes, "
      "(SELECT count(*) FROM message WHERE message.id BETWEEN (mailbox.id<<32)+recent_uid+1 AND (mailbox.id<<32)+uidnext-1) "
      "FROM mailbox WHERE account=?1 AND name=?2",
      account, name);
  if (!row.step()) return std::nullopt;
  return describe(row);
}

std::vector<MailboxInfo> read_mailboxes(Database& db, AccountId account) {
  std::vector<MailboxInfo> out;
  auto row = db.query(
      "SELECT id, name, special_use, uidvalidity, uidnext, highest, messages, unseen, deleted, bytes, "
      "(SELECT count(*) FROM message WHERE message.id BETWEEN (mailbox.id<<32)+recent_uid+1 AND (mailbox.id<<32)+uidnext-1) "
      "FROM mailbox WHERE account=?1 ORDER BY name",
      account);
  while (row.step()) out.push_back(describe(row));
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return mailbox_before(a.name, b.name); });
  return out;
}

Result<MailboxState*> mailbox_for_delivery(Transaction& tx, AccountId account, std::string_view name) {
  if (MailboxState* known = tx.find(account, name)) return known;
  const auto canonical = canonical_mailbox(name);
  if (!canonical) return std::unexpected(canonical.error());
  if (MailboxState* known = tx.find(account, *canonical)) return known;
  if (auto room = check_room(tx, account, *canonical); !room) return std::unexpected(room.error());
  make_parents(tx, account, *canonical);
  return &tx.make_mailbox(account, *canonical, SpecialUse::none);
}

Result<MailboxInfo> create_mailbox(Transaction& tx, AccountId account, const std::string& name, SpecialUse use) {
  if (!tx.account(account)) return fail(ErrorKind::not_found, "no such account");
  if (tx.find(account, name)) return fail(ErrorKind::exists, "the mailbox exists");
  if (auto room = check_room(tx, account, name); !room) return std::unexpected(room.error());
  make_parents(tx, account, name);
  const MailboxState& made = tx.make_mailbox(account, name, use);
  MailboxInfo info;
  info.id = made.id;
  info.name = name;
  info.use = use;
  info.uidvalidity = made.uidvalidity;
  return info;
}

void drop_mailbox(Transaction& tx, MailboxState& mailbox, Fate fate) {
  reap_all(tx, mailbox, fate);
  if (fate == Fate::recoverable) {
    tx.db().run(
        "INSERT INTO removed_mailbox(id, account, name, special_use, removed_at) "
        "SELECT id, account, name, special_use, ?2 FROM mailbox WHERE id=?1",
        mailbox.id, tx.now());
  }
  tx.db().run("DELETE FROM mailbox WHERE id=?1", mailbox.id);
  forget_sharing(tx, mailbox.id);
  tx.mailbox_gone(mailbox);
}

Result<> remove_mailbox(Transaction& tx, AccountId account, const std::string& name) {
  MailboxState* mailbox = tx.find(account, name);
  if (!mailbox) return fail(ErrorKind::not_found, "no such mailbox");
  if (name == "INBOX") return fail(ErrorKind::denied, "INBOX cannot be removed");
  drop_mailbox(tx, *mailbox, Fate::recoverable);
  return {};
}

namespace {

struct Move {
  std::int64_t id;
  std::string name;
};

/// The mailbox and all below it, with their new names. Errors: invalid, limit, exists.
Result<std::vector<Move>> plan_rename(Transaction& tx, AccountId account, const std::string& from, const std::string& to) {
  std::vector<Move> moves;
  auto row = tx.db().query("SELECT id, name FROM mailbox WHERE account=?1", account);
  while (row.step()) {
    const std::string_view name = row.text(1);
    if (name != from && !is_below(name, from)) continue;
    auto next = canonical_mailbox(to + std::string(name.substr(from.size())));
    if (!next) return std::unexpected(next.error());
    moves.push_back({row.integer(0), std::move(*next)});
  }
  for (const Move& move : moves) {
    if (tx.find(account, move.name)) return fail(ErrorKind::exists, "the mailbox exists");
  }
  return moves;
}

}  // namespace

Result<> rename_mailbox(Transaction& tx, AccountId account, const std::string& from, const std::string& to) {
  MailboxState* source = tx.find(account, from);
  if (!source) return fail(ErrorKind::not_found, "no such mailbox");
  if (tx.find(account, to)) return fail(ErrorKind::exists, "the mailbox exists");
  if (auto room = check_room(tx, account, to); !room) return room;
  // RFC 9051 §6.3.6
  if (from == "INBOX") {
    make_parents(tx, account, to);
    MailboxState& fresh = tx.make_mailbox(account, to, SpecialUse::none);
    if (auto moved = copy(tx, *source, UidSet::all(), fresh, CopyMode::move); !moved) return std::unexpected(moved.error());
    return {};
  }
  if (is_below(to, from)) return fail(ErrorKind::invalid, "a mailbox cannot move below itself");
  const auto moves = plan_rename(tx, account, from, to);
  if (!moves) return std::unexpected(moves.error());
  make_parents(tx, account, to);
  for (const Move& move : *moves) tx.db().run("UPDATE mailbox SET name=?2 WHERE id=?1", move.id, move.name);
  tx.forget_names();
  return {};
}

Result<> subscribe(Transaction& tx, AccountId account, const std::string& name, bool on) {
  if (!tx.account(account)) return fail(ErrorKind::not_found, "no such account");
  tx.announce(account);
  if (!on) {
    tx.db().run("DELETE FROM subscription WHERE account=?1 AND name=?2", account, name);
    return {};
  }
  const auto have = tx.db().integer(0, "SELECT count(*) FROM subscription WHERE account=?1", account);
  if (have >= static_cast<std::int64_t>(max_mailboxes)) return fail(ErrorKind::limit, "the account has 10000 subscriptions");
  tx.db().run("INSERT OR IGNORE INTO subscription(account, name) VALUES (?1,?2)", account, name);
  return {};
}

}  // namespace postern::store::sqlite
