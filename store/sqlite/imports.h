// SPDX-License-Identifier: Apache-2.0
// The journal of imports: which messages an account has got from elsewhere, by the key that names them at their source. Rows are
// written in the transaction of the message, so that a killed import neither loses nor doubles anything.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/sqlite/transaction.h"

namespace postern::store::sqlite {

/// False when the journal has the key already; nothing changes then.
bool note_import(Transaction& tx, AccountId account, std::string_view key);
/// For each key, whether the journal has it.
std::vector<bool> read_imported(Database& db, AccountId account, const std::vector<std::string>& keys);
/// Of an account that is being removed.
void forget_imports(Transaction& tx, AccountId account);

}  // namespace postern::store::sqlite
