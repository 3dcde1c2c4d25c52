// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/imports.h"

namespace postern::store::sqlite {

bool note_import(Transaction& tx, AccountId account, std::string_view key) {
  return tx.db().run("INSERT OR IGNORE INTO imported(account, key) VALUES (?1,?2)", account, Blob{key}) > 0;
}

std::vector<bool> read_imported(Database& db, AccountId account, const std::vector<std::string>& keys) {
  std::vector<bool> out;
  out.reserve(keys.size());
  for (const auto& key : keys) {
    out.push_back(db.integer(0, "SELECT 1 FROM imported WHERE account=?1 AND key=?2", account, Blob{key}) != 0);
  }
  return out;
}

void forget_imports(Transaction& tx, AccountId account) { tx.db().run("DELETE FROM imported WHERE account=?1", account); }

}  // namespace postern::store::sqlite
