// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/restore_plan.h"

#include <algorithm>

#include "store/mailbox_name.h"
#include "store/sqlite/row_copy.h"

namespace postern::store::sqlite {

namespace {

constexpr int backup_cache_kib = 2 * 1024;

std::vector<SourceMailbox> read_source_mailboxes(Database& backup, AccountId account, const std::string& name) {
  std::vector<SourceMailbox> out;
  auto row = backup.query(
      "SELECT id, name, special_use, uidvalidity, uidnext, highest, messages FROM mailbox WHERE account=?1 AND (?2='' OR "
      "name=?2) "
      "ORDER BY id",
      account, name);
  while (row.step()) {
    out.push_back({static_cast<MailboxId>(row.integer(0)), std::string(row.text(1)), static_cast<SpecialUse>(row.integer(2)),
                   static_cast<std::uint32_t>(row.integer(3)), static_cast<Uid>(row.integer(4)), row.unsigned_integer(5),
                   row.unsigned_integer(6)});
  }
  return out;
}

Result<> check_message(Database& backup, const RestoreOrder& order, const SourceMailbox& mailbox) {
  if (order.scope != RestoreScope::message) return {};
  if (backup.integer(0, "SELECT 1 FROM message WHERE id=?1", message_id(mailbox.id, order.uid)) != 0) return {};
  return fail(ErrorKind::not_found, fmt::format("{} has no message with UID {} in the backup", mailbox.name, order.uid));
}

bool one_mailbox(const RestoreOrder& order) {
  return order.scope == RestoreScope::message || order.scope == RestoreScope::mailbox;
}

}  // namespace

Result<std::vector<SourceAccount>> read_sources(Database& backup, const RestoreOrder& order) {
  std::vector<SourceAccount> out;
  const std::string login = order.scope == RestoreScope::everything ? std::string() : order.account;
  const std::string name = one_mailbox(order) ? canonical_mailbox(order.mailbox).value_or(order.mailbox) : std::string();
  {
    auto row = backup.query("SELECT id, login FROM account WHERE ?1='' OR login=?1 ORDER BY id", login);
    while (row.step()) out.push_back({static_cast<AccountId>(row.integer(0)), std::string(row.text(1)), {}});
  }
  if (out.empty() && !login.empty()) {
    return fail(ErrorKind::not_found, "the backup has no account " + login + " at that time");
  }
  for (auto& account : out) {
    account.mailboxes = read_source_mailboxes(backup, account.id, name);
    if (!one_mailbox(order)) continue;
    if (account.mailboxes.empty()) {
      return fail(ErrorKind::not_found, login + " has no mailbox " + name + " in the backup at that time");
    }
    if (auto there = check_message(backup, order, account.mailboxes.front()); !there) return std::unexpected(there.error());
  }
  return out;
}

bool is_lost(Database& live, const SourceAccount& account) {
  return live.integer(0, "SELECT EXISTS (SELECT 1 FROM account WHERE login=?1)", account.login) == 0;
}

namespace {

/// The rows of an account that is made again. Its id was never given to anybody else; its counters begin at nothing.
Result<AccountId> make_again(Transaction& tx, const SourceAccount& account, const std::filesystem::path& path) {
  auto backup = Database::open({path, Database::Mode::read_only, backup_cache_kib});
  if (!backup) return std::unexpected(backup.error());
  Database& db = tx.db();
  const std::string domain = account.login.substr(account.login.rfind('@') + 1);
  copy_rows(**backup, db, {"domain", "name"}, domain);
  if (copy_rows(**backup, db, {"account", "id"}, account.id) == 0) {
    return fail(ErrorKind::conflict, fmt::format("the id of {} belongs to another account here", account.login));
  }
  db.run("UPDATE account SET used_bytes=0, used_messages=0 WHERE id=?1", account.id);
  for (const RowChoice choice : {RowChoice{"address", "account"},
                                 {"subscription", "account"},
                                 {"group_member", "account"},
                                 {"send_as", "account"},
                                 {"imported", "account"}}) {
    copy_rows(**backup, db, choice, account.id);
  }
  auto group = (*backup)->query("SELECT name FROM group_member WHERE account=?1", account.id);
  while (group.step()) copy_rows(**backup, db, {"account_group", "name"}, std::string(group.text(0)));
  AccountState* state = tx.account(account.id);
  if (!state) return fail(ErrorKind::internal, "the restored account is not there");
  tx.touch(*state);
  return account.id;
}

/// One row of the plan.
struct Item {
  RestoreMode mode = RestoreMode::fresh;
  std::string name;
};

bool is_unchanged(const MailboxState& live, const SourceMailbox& source) {
  return live.id == source.id && live.uidvalidity == source.uidvalidity && live.uidnext == source.uidnext &&
         live.highest == source.highest;
}

std::string beside(const RestoreOrder& order, const SourceMailbox& source) { return order.beside + "/" + source.name; }

/// What a mailbox that was asked for by name becomes.
Item item_asked_for(const RestoreOrder& order, const SourceMailbox& source, const MailboxState* live, const MailboxState* into) {
  if (!order.into.empty()) return {into ? RestoreMode::add : RestoreMode::fresh, order.into};
  if (order.scope == RestoreScope::message) return {RestoreMode::add, beside(order, source)};
  if (!live) return {RestoreMode::fresh, source.name};
  if (order.collision == Collision::replace) return {RestoreMode::replace, source.name};
  return {RestoreMode::fresh, beside(order, source)};
}

/// The same for one of many; nothing when there is nothing to bring back.
std::optional<Item> item_of_many(const RestoreOrder& order, const SourceMailbox& source, const MailboxState* live) {
  if (!live) return Item{RestoreMode::fresh, source.name};
  if (is_unchanged(*live, source)) return std::nullopt;
  if (order.collision == Collision::replace) return Item{RestoreMode::replace, source.name};
  if (source.messages == 0) return std::nullopt;
  return Item{RestoreMode::fresh, beside(order, source)};
}

void add_item(Transaction& tx, const RestoreOrder& order, const SourceMailbox& source, AccountId account, const Item& item) {
  const bool one = order.scope == RestoreScope::message;
  tx.db().run("DELETE FROM restoring WHERE job=?1 AND source=?2 AND state=?3", order.job, source.id, restore_state::told);
  tx.db().run(
      "INSERT OR IGNORE INTO restoring(job, source, account, name, mode, next_uid, last_uid, begun) VALUES "
      "(?1,?2,?3,?4,?5,?6,?7,?8)",
      order.job, source.id, account, item.name, item.mode, one ? order.uid : Uid{1}, one ? order.uid : Uid{UINT32_MAX}, tx.now());
}

/// The name of the mailbox in which the same job has left this one or its message, when that is there still.
std::optional<std::string> brought_before(Transaction& tx, const RestoreOrder& order, const SourceMailbox& source) {
  if (order.collision == Collision::replace) return std::nullopt;
  auto row = tx.db().query(
      "SELECT m.name, m.id, r.next_uid, r.last_uid, r.mode FROM restoring r JOIN mailbox m ON m.id=r.mailbox AND "
      "m.account=r.account WHERE r.job=?1 AND r.source=?2 AND r.state=?3",
      order.job, source.id, restore_state::told);
  if (!row.step()) return std::nullopt;
  std::string name(row.text(0));
  if (row.integer(4) != static_cast<int>(RestoreMode::add)) return name;
  const auto mailbox = static_cast<MailboxId>(row.integer(1));
  const bool there = tx.db().integer(0, "SELECT EXISTS (SELECT 1 FROM message WHERE id BETWEEN ?1 AND ?2)",
                                     message_id(mailbox, static_cast<Uid>(row.integer(2))),
                                     message_id(mailbox, static_cast<Uid>(row.integer(3)))) != 0;
  return there ? std::optional(std::move(name)) : std::nullopt;
}

Result<> plan_mailbox(Transaction& tx, const RestoreOrder& order, const SourceMailbox& source, AccountId account,
                      std::vector<std::string>& notes) {
  if (const auto name = brought_before(tx, order, source)) {
    notes.push_back(
        fmt::format("{} was brought back to {} before and is there; delete that to get it again", source.name, *name));
    return {};
  }
  const MailboxState* live = tx.find(account, source.name);
  std::optional<Item> item;
  if (one_mailbox(order)) {
    const MailboxState* into = order.into.empty() ? nullptr : tx.find(account, order.into);
    item = item_asked_for(order, source, live, into);
  } else {
    item = item_of_many(order, source, live);
  }
  const bool stays = live && live->id == source.id && (!item || item->mode != RestoreMode::replace);
  if (stays) add_item(tx, order, source, account, {RestoreMode::repair, source.name});
  if (!item) return {};
  auto name = canonical_mailbox(item->name);
  if (!name) return std::unexpected(name.error());
  item->name = std::move(*name);
  add_item(tx, order, source, account, *item);
  return {};
}

}  // namespace

Result<std::vector<std::string>> plan_account(Transaction& tx, const RestoreOrder& order, const SourceAccount& account,
                                              const std::filesystem::path& backup) {
  std::vector<std::string> notes;
  auto id = static_cast<AccountId>(tx.db().integer(0, "SELECT id FROM account WHERE login=?1", account.login));
  const bool planned = tx.db().integer(0, "SELECT EXISTS (SELECT 1 FROM restoring WHERE job=?1 AND account=?2 AND state<?3)",
                                       order.job, id, restore_state::told) != 0;
  if (id != 0 && planned) return notes;
  if (id == 0) {
    auto made = make_again(tx, account, backup);
    if (!made) return std::unexpected(made.error());
    id = *made;
    notes.push_back("the account " + account.login + " is there again, with its addresses and its password");
  }
  for (const auto& mailbox : account.mailboxes) {
    if (auto done = plan_mailbox(tx, order, mailbox, id, notes); !done) return std::unexpected(done.error());
  }
  return notes;
}

Result<> plan_world(Transaction& tx, const std::filesystem::path& path) {
  auto backup = Database::open({path, Database::Mode::read_only, backup_cache_kib});
  if (!backup) return std::unexpected(backup.error());
  auto domain = (*backup)->query("SELECT name FROM domain");
  while (domain.step()) copy_rows(**backup, tx.db(), {"domain", "name"}, std::string(domain.text(0)));
  copy_rows(**backup, tx.db(), {"address", "account"}, 0);
  return {};
}

}  // namespace postern::store::sqlite
