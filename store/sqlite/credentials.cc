// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/credentials.h"

#include "store/sqlite/login_rows.h"

namespace postern::store::sqlite {

namespace {

using Rows = std::vector<CredentialRow>;

Rows read(Database& db, AccountId account) {
  Rows out;
  auto row = db.query(
      "SELECT id, kind, label, sealed, created, protocols, networks, expires, last_at, last_ip, last_protocol FROM credential "
      "WHERE account=?1 ORDER BY id",
      account);
  while (row.step()) {
    CredentialRow one;
    one.id = row.unsigned_integer(0);
    one.account = account;
    one.kind = row.text(1);
    one.label = row.text(2);
    one.sealed = row.text(3);
    one.created = row.integer(4);
    one.protocols = row.text(5);
    one.networks = row.text(6);
    one.expires = row.integer(7);
    one.last = {row.integer(8), std::string(row.text(9)), std::string(row.text(10))};
    out.push_back(std::move(one));
  }
  return out;
}

LoginPolicy read_policy(Database& db, AccountId account) {
  return {.app_passwords_only = db.integer(0, "SELECT app_passwords_only FROM policy WHERE account=?1", account) != 0};
}

CredentialId insert(Database& db, const CredentialRow& row) {
  db.run(
      "INSERT INTO credential(account, kind, label, sealed, created, protocols, networks, expires) "
      "VALUES (?1,?2,?3,?4,?5,?6,?7,?8)",
      row.account, row.kind, row.label, Blob{row.sealed}, row.created, row.protocols, row.networks, row.expires);
  return static_cast<CredentialId>(db.last_id());
}

}  // namespace

void SqliteCredentials::close() {
  {
    const std::lock_guard lock(reading_mutex_);
    reading_.reset();
  }
  lane_.stop();  // the last to close empties the write-ahead log
}

async::Task<Result<Rows>> SqliteCredentials::get(AccountId account) {
  co_return co_await lane_.run<Rows>([account](Database& db) -> Result<Rows> { return read(db, account); });
}

Result<CredentialSet> SqliteCredentials::get_now(AccountId account) {
  const std::lock_guard lock(reading_mutex_);
  if (!reading_) return fail(ErrorKind::unavailable, "the store is closed");
  auto work = [account](Database& db) -> Result<CredentialSet> {
    return CredentialSet{read(db, account), read_policy(db, account)};
  };
  return Lane::guarded<CredentialSet>(*reading_, work);
}

async::Task<Result<CredentialId>> SqliteCredentials::add(CredentialRow row) {
  co_return co_await lane_.run<CredentialId>(
      [row = std::move(row)](Database& db) -> Result<CredentialId> { return insert(db, row); });
}

async::Task<Result<CredentialId>> SqliteCredentials::set_password(CredentialRow row) {
  row.kind = "password";
  co_return co_await lane_.run<CredentialId>([row = std::move(row)](Database& db) -> Result<CredentialId> {
    db.run(
        "INSERT INTO old_password(account, sealed) SELECT account, sealed FROM credential WHERE account=?1 AND kind='password' "
        "ORDER BY id",
        row.account);
    db.run("DELETE FROM credential WHERE account=?1 AND kind='password'", row.account);
    db.run("DELETE FROM weak_password WHERE account=?1", row.account);
    return insert(db, row);
  });
}

async::Task<Result<>> SqliteCredentials::replace_sealed(CredentialRow old, std::string sealed) {
  co_return co_await lane_.run<void>([old = std::move(old), sealed = std::move(sealed)](Database& db) -> Result<> {
    if (db.run("UPDATE credential SET sealed=?1 WHERE id=?2 AND account=?3 AND sealed=?4", Blob{sealed}, old.id, old.account,
               Blob{old.sealed}) > 0) {
      return {};
    }
    return fail(ErrorKind::conflict, "the credential was changed meanwhile");
  });
}

async::Task<Result<>> SqliteCredentials::remove(AccountId account, CredentialId id) {
  co_return co_await lane_.run<void>([account, id](Database& db) -> Result<> {
    db.run("DELETE FROM weak_password WHERE credential=?1 AND account=?2", id, account);
    if (db.run("DELETE FROM credential WHERE account=?1 AND id=?2", account, id) > 0) return {};
    return fail(ErrorKind::not_found, "no such credential");
  });
}

async::Task<Result<>> SqliteCredentials::remove_all(AccountId account) {
  co_return co_await lane_.run<void>([account](Database& db) -> Result<> {
    db.run("DELETE FROM credential WHERE account=?1", account);
    db.run("DELETE FROM old_password WHERE account=?1", account);
    db.run("DELETE FROM weak_password WHERE account=?1", account);
    db.run("DELETE FROM policy WHERE account=?1", account);
    db.run("DELETE FROM known_network WHERE account=?1", account);
    return {};
  });
}

async::Task<Result<std::vector<std::string>>> SqliteCredentials::history(AccountId account, std::size_t most) {
  using Sealed = std::vector<std::string>;
  co_return co_await lane_.run<Sealed>([account, most](Database& db) -> Result<Sealed> {
    Sealed out;
    auto row = db.query("SELECT sealed FROM old_password WHERE account=?1 ORDER BY id DESC LIMIT ?2", account, most);
    while (row.step()) out.emplace_back(row.text(0));
    return out;
  });
}

async::Task<Result<std::vector<AccountId>>> SqliteCredentials::owners() {
  using Ids = std::vector<AccountId>;
  co_return co_await lane_.run<Ids>([](Database& db) -> Result<Ids> {
    Ids out;
    auto row = db.query(
        "SELECT account FROM credential UNION SELECT account FROM policy UNION SELECT account FROM known_network ORDER BY 1");
    while (row.step()) out.push_back(static_cast<AccountId>(row.integer(0)));
    return out;
  });
}

async::Task<Result<LoginPolicy>> SqliteCredentials::policy(AccountId account) {
  co_return co_await lane_.run<LoginPolicy>([account](Database& db) -> Result<LoginPolicy> { return read_policy(db, account); });
}

async::Task<Result<>> SqliteCredentials::set_policy(AccountId account, LoginPolicy policy) {
  co_return co_await lane_.run<void>([account, policy](Database& db) -> Result<> {
    db.run("INSERT OR REPLACE INTO policy(account, app_passwords_only) VALUES (?1,?2)", account, policy.app_passwords_only);
    return {};
  });
}

async::Task<Result<std::vector<NewNetwork>>> SqliteCredentials::record_logins(std::vector<LoginRow> rows, LoginRetention keep) {
  using Networks = std::vector<NewNetwork>;
  co_return co_await lane_.run<Networks>(
      [rows = std::move(rows), keep](Database& db) -> Result<Networks> { return sqlite::record_logins(db, rows, keep); });
}

async::Task<Result<std::vector<LoginRow>>> SqliteCredentials::logins(LoginQuery query) {
  using Logins = std::vector<LoginRow>;
  co_return co_await lane_.run<Logins>([query](Database& db) -> Result<Logins> { return read_logins(db, query); });
}

async::Task<Result<std::vector<KnownNetwork>>> SqliteCredentials::known_networks(std::optional<AccountId> account) {
  using Networks = std::vector<KnownNetwork>;
  co_return co_await lane_.run<Networks>(
      [account](Database& db) -> Result<Networks> { return read_known_networks(db, account); });
}

async::Task<Result<>> SqliteCredentials::add_known_network(KnownNetwork network) {
  co_return co_await lane_.run<void>([network = std::move(network)](Database& db) -> Result<> {
    learn_network(db, network);
    return {};
  });
}

async::Task<Result<>> SqliteCredentials::flag_weak(WeakRow row) {
  co_return co_await lane_.run<void>([row = std::move(row)](Database& db) -> Result<> {
    db.run(
        "INSERT INTO weak_password(account, credential, reason, since) "
        "SELECT ?1,?2,?3,?4 WHERE EXISTS (SELECT 1 FROM credential WHERE id=?2 AND account=?1) "
        "ON CONFLICT(account) DO UPDATE SET since=iif(credential=excluded.credential, since, excluded.since), "
        "credential=excluded.credential, reason=excluded.reason",
        row.account, row.credential, row.reason, row.since);
    return {};
  });
}

async::Task<Result<>> SqliteCredentials::clear_weak(CredentialId credential) {
  co_return co_await lane_.run<void>([credential](Database& db) -> Result<> {
    db.run("DELETE FROM weak_password WHERE credential=?1", credential);
    return {};
  });
}

async::Task<Result<std::vector<WeakRow>>> SqliteCredentials::weak() {
  using Weak = std::vector<WeakRow>;
  co_return co_await lane_.run<Weak>([](Database& db) -> Result<Weak> {
    Weak out;
    auto row = db.query("SELECT account, credential, reason, since FROM weak_password ORDER BY account");
    while (row.step()) {
      out.push_back({static_cast<AccountId>(row.integer(0)), row.unsigned_integer(1), std::string(row.text(2)), row.integer(3)});
    }
    return out;
  });
}

}  // namespace postern::store::sqlite
