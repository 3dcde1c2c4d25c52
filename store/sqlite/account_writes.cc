// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/account_writes.h"

#include "store/account_text.h"
#include "store/mailbox_name.h"
#include "store/sqlite/imports.h"
#include "store/sqlite/mailboxes.h"
#include "store/sqlite/sharing_writes.h"
#include "store/sqlite/undelete.h"

namespace postern::store::sqlite {

namespace {

/// Reads protocols, networks, hours from three columns.
AccessRules access_at(Query& row, int column) {
  AccessRules access;
  access.protocols = static_cast<unsigned>(row.integer(column)) & AccessRules::every_protocol;
  access.networks = split_words(row.text(column + 1));
  access.hours = row.text(column + 2);
  return access;
}

/// What this program does not know is the narrowest.
GroupRow::Senders senders_at(Query& row, int column) {
  const auto value = row.integer(column);
  return value == 0 ? GroupRow::Senders::anyone : value == 1 ? GroupRow::Senders::inside : GroupRow::Senders::members;
}

Ceiling ceiling_at(Query& row, int column) { return {row.unsigned_integer(column), row.unsigned_integer(column + 1)}; }

std::vector<DomainRow> load_domains(Database& db) {
  std::vector<DomainRow> out;
  auto row = db.query(
      "SELECT name, alias_of, catch_all, quota_bytes, quota_messages, account_quota_bytes, account_quota_messages FROM domain "
      "ORDER BY name");
  while (row.step()) {
    out.push_back(
        {std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2)), ceiling_at(row, 3), ceiling_at(row, 5)});
  }
  return out;
}

std::vector<AccountRow> load_account_rows(Database& db) {
  std::vector<AccountRow> out;
  auto row = db.query(
      "SELECT id, login, name, enabled, quota_bytes, quota_messages, when_disabled, protocols, networks, hours, settings "
      "FROM account ORDER BY id");
  while (row.step()) {
    AccountRow one{static_cast<AccountId>(row.integer(0)),
                   std::string(row.text(1)),
                   std::string(row.text(2)),
                   row.integer(3) != 0,
                   row.unsigned_integer(4),
                   row.unsigned_integer(5)};
    one.when_disabled = static_cast<AccountRow::WhenDisabled>(row.integer(6) != 0);
    one.access = access_at(row, 7);
    one.settings = parse_settings(row.text(10));
    out.push_back(std::move(one));
  }
  return out;
}

std::vector<GroupRow> load_groups(Database& db) {
  std::vector<GroupRow> out;
  auto row = db.query("SELECT name, protocols, networks, hours, address, senders FROM account_group ORDER BY name");
  while (row.step()) {
    GroupRow group{std::string(row.text(0)), access_at(row, 1), {}, std::string(row.text(4)), senders_at(row, 5)};
    auto member = db.query("SELECT account FROM group_member WHERE name=?1 ORDER BY account", group.name);
    while (member.step()) group.members.push_back(static_cast<AccountId>(member.integer(0)));
    out.push_back(std::move(group));
  }
  return out;
}

/// Everything of the row but id and login.
void write_account(Database& db, AccountId id, const AccountRow& row) {
  db.run(
      "UPDATE account SET name=?2, enabled=?3, quota_bytes=?4, quota_messages=?5, when_disabled=?6, protocols=?7, networks=?8, "
      "hours=?9, settings=?10 WHERE id=?1",
      id, row.name, row.enabled, row.quota_bytes, row.quota_messages, row.when_disabled, row.access.protocols,
      join_words(row.access.networks), row.access.hours, settings_text(row.settings));
}

}  // namespace

AccountTable load_accounts(Database& db) {
  AccountTable table;
  table.domains = load_domains(db);
  table.accounts = load_account_rows(db);
  auto address = db.query("SELECT address, account, forward FROM address ORDER BY address, account, forward");
  while (address.step()) {
    table.addresses.push_back(
        {std::string(address.text(0)), static_cast<AccountId>(address.integer(1)), std::string(address.text(2))});
  }
  table.groups = load_groups(db);
  auto right = db.query("SELECT account, address FROM send_as ORDER BY account, address");
  while (right.step()) table.send_as.push_back({static_cast<AccountId>(right.integer(0)), std::string(right.text(1))});
  return table;
}

std::vector<std::pair<AccountId, AccountQuota>> load_quotas(Database& db) {
  std::vector<std::pair<AccountId, AccountQuota>> out;
  auto row = db.query("SELECT id, login, used_bytes, used_messages, quota_bytes, quota_messages FROM account");
  while (row.step()) {
    out.emplace_back(static_cast<AccountId>(row.integer(0)), AccountQuota{std::string(row.text(1)),
                                                                          {row.unsigned_integer(2), row.unsigned_integer(3),
                                                                           row.unsigned_integer(4), row.unsigned_integer(5)}});
  }
  return out;
}

std::vector<std::pair<std::string, Quota>> load_domain_quotas(Database& db) {
  std::vector<std::pair<std::string, Quota>> out;
  auto row = db.query(
      "SELECT d.name, total(a.used_bytes), total(a.used_messages), d.quota_bytes, d.quota_messages "
      "FROM domain d LEFT JOIN account a ON a.domain=d.name GROUP BY d.name");
  while (row.step()) {
    out.emplace_back(row.text(0),
                     Quota{row.unsigned_integer(1), row.unsigned_integer(2), row.unsigned_integer(3), row.unsigned_integer(4)});
  }
  return out;
}

std::vector<QuotaNotice> load_quota_notices(Database& db) {
  std::vector<QuotaNotice> out;
  auto row = db.query("SELECT account, domain, percent FROM quota_notice ORDER BY account, domain");
  while (row.step()) {
    out.push_back({static_cast<AccountId>(row.integer(0)), std::string(row.text(1)), static_cast<unsigned>(row.integer(2))});
  }
  return out;
}

Result<> add_domain(Transaction& tx, const DomainRow& row) {
  if (tx.db().run("INSERT OR IGNORE INTO domain(name) VALUES (?1)", row.name) == 0) {
    return fail(ErrorKind::exists, "the domain exists");
  }
  return set_domain(tx, row);
}

Result<> set_domain(Transaction& tx, const DomainRow& row) {
  const auto changed = tx.db().run(
      "UPDATE domain SET alias_of=?2, catch_all=?3, quota_bytes=?4, quota_messages=?5, account_quota_bytes=?6, "
      "account_quota_messages=?7 WHERE name=?1",
      row.name, row.alias_of, row.catch_all, row.quota.bytes, row.quota.messages, row.account_quota.bytes,
      row.account_quota.messages);
  if (changed == 0) return fail(ErrorKind::not_found, "no such domain");
  DomainState& domain = tx.domain(row.name);
  tx.touch(domain);
  domain.quota.limit_bytes = row.quota.bytes;
  domain.quota.limit_messages = row.quota.messages;
  return {};
}

Result<> remove_domain(Transaction& tx, const std::string& name) {
  Database& db = tx.db();
  if (db.integer(0, "SELECT 1 FROM domain WHERE name=?1", name) == 0) return fail(ErrorKind::not_found, "no such domain");
  const std::string tail = "@" + name;
  const auto used = db.integer(0,
                               "SELECT EXISTS (SELECT 1 FROM account WHERE domain=?2) OR "
                               "EXISTS (SELECT 1 FROM address WHERE substr(address, -length(?1))=?1) OR "
                               "EXISTS (SELECT 1 FROM account_group WHERE substr(address, -length(?1))=?1)",
                               tail, name);
  if (used != 0) return fail(ErrorKind::conflict, "accounts or addresses use the domain");
  if (db.integer(0, "SELECT 1 FROM domain WHERE alias_of=?1", name) != 0) {
    return fail(ErrorKind::conflict, "another domain is an alias of it");
  }
  db.run("DELETE FROM domain WHERE name=?1", name);
  db.run("DELETE FROM quota_notice WHERE account=0 AND domain=?1", name);
  DomainState& domain = tx.domain(name);
  tx.touch(domain);
  domain.quota = {};
  return {};
}

Result<AccountId> add_account(Transaction& tx, const AccountRow& row) {
  Database& db = tx.db();
  if (db.integer(0, "SELECT 1 FROM account WHERE login=?1", row.login) != 0) return fail(ErrorKind::exists, "the account exists");
  db.run("INSERT INTO account(login, domain, name, enabled, quota_bytes, quota_messages) VALUES (?1,?2,'',1,0,0)", row.login,
         domain_of_login(row.login));
  const auto id = static_cast<AccountId>(db.last_id());
  write_account(db, id, row);
  db.run("INSERT OR IGNORE INTO address(address, account, forward) VALUES (?1,?2,'')", row.login, id);
  for (const auto& folder : standard_folders()) {
    tx.make_mailbox(id, folder.name, folder.use);
    db.run("INSERT INTO subscription(account, name) VALUES (?1,?2)", id, folder.name);
  }
  if (AccountState* state = tx.account(id)) tx.touch(*state);
  return id;
}

Result<std::vector<AccountId>> add_accounts(Transaction& tx, const std::vector<NewAccount>& rows) {
  Database& db = tx.db();
  std::vector<AccountId> ids;
  for (const auto& one : rows) {
    const auto id = add_account(tx, one.row);
    if (!id) return std::unexpected(id.error());
    ids.push_back(*id);
    for (const auto& alias : one.aliases) {
      if (auto added = add_address(tx, {alias, *id, {}}); !added) return std::unexpected(added.error());
    }
    for (const auto& group : one.groups) {
      if (db.integer(0, "SELECT 1 FROM account_group WHERE name=?1", group) == 0) {
        return fail(ErrorKind::not_found, "no such group: " + group);
      }
      db.run("INSERT OR IGNORE INTO group_member(name, account) VALUES (?1,?2)", group, *id);
    }
    for (const auto& address : one.send_as) {
      if (auto added = add_send_as(tx, {*id, address}); !added) return std::unexpected(added.error());
    }
  }
  return ids;
}

Result<> set_account(Transaction& tx, const AccountRow& row) {
  AccountState* state = tx.account(row.id);
  if (!state) return fail(ErrorKind::not_found, "no such account");
  write_account(tx.db(), row.id, row);
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
  for (const MailboxId mailbox : mailboxes) drop_mailbox(tx, *tx.mailbox(mailbox), Fate::lost);
  forget_removed_mailboxes(tx, id);
  tx.db().run("DELETE FROM subscription WHERE account=?1", id);
  tx.db().run("DELETE FROM address WHERE account=?1", id);
  tx.db().run("DELETE FROM group_member WHERE account=?1", id);
  tx.db().run("DELETE FROM send_as WHERE account=?1", id);
  tx.db().run("DELETE FROM quota_notice WHERE account=?1", id);
  forget_imports(tx, id);
  forget_guest(tx, id);
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

Result<> set_group(Transaction& tx, const GroupRow& row) {
  for (const AccountId member : row.members) {
    if (!tx.account(member)) return fail(ErrorKind::not_found, "no such account");
  }
  Database& db = tx.db();
  db.run("INSERT OR REPLACE INTO account_group(name, protocols, networks, hours, address, senders) VALUES (?1,?2,?3,?4,?5,?6)",
         row.name, row.access.protocols, join_words(row.access.networks), row.access.hours, row.address, row.senders);
  db.run("DELETE FROM group_member WHERE name=?1", row.name);
  tx.guests_changed(0);
  tx.announce(0);
  for (const AccountId member : row.members)
    db.run("INSERT OR IGNORE INTO group_member(name, account) VALUES (?1,?2)", row.name, member);
  return {};
}

Result<> remove_group(Transaction& tx, const std::string& name) {
  if (tx.db().run("DELETE FROM account_group WHERE name=?1", name) == 0) return fail(ErrorKind::not_found, "no such group");
  tx.db().run("DELETE FROM group_member WHERE name=?1", name);
  tx.db().run("DELETE FROM acl WHERE account=0 AND grp=?1", name);
  tx.guests_changed(0);
  tx.announce(0);
  return {};
}

Result<> add_send_as(Transaction& tx, const SendAsRow& row) {
  if (!tx.account(row.account)) return fail(ErrorKind::not_found, "no such account");
  if (tx.db().run("INSERT OR IGNORE INTO send_as(account, address) VALUES (?1,?2)", row.account, row.address) == 0) {
    return fail(ErrorKind::exists, "the account has this right already");
  }
  return {};
}

Result<> remove_send_as(Transaction& tx, const SendAsRow& row) {
  if (tx.db().run("DELETE FROM send_as WHERE account=?1 AND address=?2", row.account, row.address) == 0) {
    return fail(ErrorKind::not_found, "the account has no such right");
  }
  return {};
}

Result<> set_quota_notice(Transaction& tx, const QuotaNotice& notice) {
  if (notice.percent == 0) {
    tx.db().run("DELETE FROM quota_notice WHERE account=?1 AND domain=?2", notice.account, notice.domain);
    return {};
  }
  tx.db().run("INSERT OR REPLACE INTO quota_notice(account, domain, percent) VALUES (?1,?2,?3)", notice.account, notice.domain,
              notice.percent);
  return {};
}

}  // namespace postern::store::sqlite
