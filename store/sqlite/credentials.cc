// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/credentials.h"

namespace postern::store::sqlite {

namespace {

using Rows = std::vector<CredentialRow>;

Rows read(Database& db, AccountId account) {
  Rows out;
  auto row = db.query("SELECT id, kind, label, sealed, created FROM credential WHERE account=?1 ORDER BY id", account);
  while (row.step()) {
    out.push_back({row.unsigned_integer(0), account, std::string(row.text(1)), std::string(row.text(2)), std::string(row.text(3)),
                   row.integer(4)});
  }
  return out;
}

CredentialId insert(Database& db, const CredentialRow& row) {
  db.run("INSERT INTO credential(account, kind, label, sealed, created) VALUES (?1,?2,?3,?4,?5)", row.account, row.kind,
         row.label, Blob{row.sealed}, row.created);
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

Result<Rows> SqliteCredentials::get_now(AccountId account) {
  const std::lock_guard lock(reading_mutex_);
  if (!reading_) return fail(ErrorKind::unavailable, "the store is closed");
  auto work = [account](Database& db) -> Result<Rows> { return read(db, account); };
  return Lane::guarded<Rows>(*reading_, work);
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
    return insert(db, row);
  });
}

async::Task<Result<>> SqliteCredentials::remove(AccountId account, CredentialId id) {
  co_return co_await lane_.run<void>([account, id](Database& db) -> Result<> {
    if (db.run("DELETE FROM credential WHERE account=?1 AND id=?2", account, id) > 0) return {};
    return fail(ErrorKind::not_found, "no such credential");
  });
}

async::Task<Result<>> SqliteCredentials::remove_all(AccountId account) {
  co_return co_await lane_.run<void>([account](Database& db) -> Result<> {
    db.run("DELETE FROM credential WHERE account=?1", account);
    db.run("DELETE FROM old_password WHERE account=?1", account);
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
    auto row = db.query("SELECT DISTINCT account FROM credential ORDER BY account");
    while (row.step()) out.push_back(static_cast<AccountId>(row.integer(0)));
    return out;
  });
}

}  // namespace postern::store::sqlite
