// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/account_writes.h"

#include "store/mailbox_name.h"
#include "store/sqlite/mailboxes.h"

namespace postern::store::sqlite {

AccountTable load_accounts(Database& db) {
  AccountTable table;
  auto domain = db.query("SELECT name FROM domain ORDER BY name");
  while (domain.step()) table.domains.push_back({std::string(domain.text(0))});
  auto account = db.query("SELECT id, login, name, enabled, quota_bytes, quota_messages FROM account ORDER BY id");
  while (account.step()) {
    table.accounts.push_back({static_cast<AccountId>(account.integer(0)), std::string(account.text(1)),
                              std::string(account.text(2)), account.integer(3) != 0, account.unsigned_integer(4),
                              account.unsigned_integer(5)});
  }
  auto address = db.query("SELECT address, account, forward FROM address ORDER BY address, account, forward");
  while (address.step()) {
    table.addresses.push_back(
        {std::string(address.text(0)), static_cast<AccountId>(address.integer(1)), std::string(address.text(2))});
  }
  return table;
}

std::vector<std::pair<AccountId, Quota>> load_quotas(Database& db) {
  std::vector<std::pair<AccountId, Quota>> out;
  auto row = db.query("SELECT id, used_bytes, used_messages, quota_bytes, quota_messages FROM account");
  while (row.step()) {
    out.emplace_back(static_cast<AccountId>(row.integer(0)),
                     Quota{row.unsigned_integer(1), row.unsigned_integer(2), row.unsigned_integer(3), row.unsigned_integer(4)});
  }
  return out;
}

Result<> add_domain(Transaction& tx, const DomainRow& row) {
  if (tx.db().run("INSERT OR IGNORE INTO domain(name) VALUES (?1)", row.name) == 0) {
    return fail(ErrorKind::exists, "the domain exists");
  }
  return {};
}

Result<> remove_domain(Transaction& tx, const std::string& name) {
  Database& db = tx.db();
  if (db.integer(0, "SELECT 1 FROM domain WHERE name=?1", name) == 0) return fail(ErrorKind::not_found, "no such domain");
  const std::string tail = "@" + name;
  const auto used = db.integer(0,
                               "SELECT EXISTS (SELECT 1 FROM account WHERE substr(login, -length(?1))=?1) OR "
                               "EXISTS (SELECT 1 FROM address WHERE substr(address, -length(?1))=?1)",
                               tail);
  if (used != 0) return fail(ErrorKind::conflict, "accounts or addresses use the domain");
  db.run("DELETE FROM domain WHERE name=?1", name);
  return {};
}

Result<AccountId> add_account(Transaction& tx, const AccountRow& row) {
  Database& db = tx.db();
  if (db.integer(0, "SELECT 1 FROM account WHERE login=?1", row.login) != 0) return fail(ErrorKind::exists, "the account exists");
  db.run("INSERT INTO account(login, name, enabled, quota_bytes, quota_messages) VALUES (?1,?2,?3,?4,?5)", row.login, row.name,
         row.enabled, row.quota_bytes, row.quota_messages);
  const auto id = static_cast<AccountId>(db.last_id());
  db.run("INSERT OR IGNORE INTO address(address, account, forward) VALUES (?1,?2,'')", row.login, id);
  for (const auto& folder : standard_folders()) {
    tx.make_mailbox(id, folder.name, folder.use);
    db.run("INSERT INTO subscription(account, name) VALUES (?1,?2)", id, folder.name);
  }
  if (AccountState* state = tx.account(id)) tx.touch(*state);
  return id;
}

Result<> set_account(Transaction& tx, const AccountRow& row) {
  AccountState* state = tx.account(row.id);
  if (!state) return fail(ErrorKind::not_found, "no such account");
  tx.db().run("UPDATE account SET name=?2, enabled=?3, quota_bytes=?4, quota_messages=?5 WHERE id=?1", row.id, row.name,
              row.enabled, row.quota_bytes, row.quota_messages);
  tx.touch(*state);
  state->quota.limit_bytes = row.quota_bytes;
  state->quota.limit_messages = row.quota_messages;
  return {};
}

Result<> remove_account(Transaction& tx, AccountId id) {
  AccountState* account = tx.account(id);
  if (!account) return fail(ErrorKind::not_found, "no such account");
  std::vector<MailboxId> mailboxes;
  {
    auto row = tx.db().query("SELECT id FROM mailbox WHERE account=?1", id);
    while (row.step()) mailboxes.push_back(static_cast<MailboxId>(row.integer(0)));
  }
  for (const MailboxId mailbox : mailboxes) drop_mailbox(tx, *tx.mailbox(mailbox));
  tx.db().run("DELETE FROM subscription WHERE account=?1", id);
  tx.db().run("DELETE FROM address WHERE account=?1", id);
  tx.db().run("DELETE FROM account WHERE id=?1", id);
  tx.account_gone(*account);
  return {};
}

Result<> add_address(Transaction& tx, const AddressRow& row) {
  if (row.account != 0 && !tx.account(row.account)) return fail(ErrorKind::not_found, "no such account");
  const auto added = tx.db().run("INSERT OR IGNORE INTO address(address, account, forward) VALUES (?1,?2,?3)", row.address,
                                 row.account, row.forward);
  if (added == 0) return fail(ErrorKind::exists, "the address has this target already");
  return {};
}

Result<> remove_address(Transaction& tx, const AddressRow& row) {
  const auto gone =
      tx.db().run("DELETE FROM address WHERE address=?1 AND account=?2 AND forward=?3", row.address, row.account, row.forward);
  if (gone == 0) return fail(ErrorKind::not_found, "no such address");
  return {};
}

}  // namespace postern::store::sqlite
