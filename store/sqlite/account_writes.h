// SPDX-License-Identifier: Apache-2.0
// Writes and reads of domains, accounts and addresses: plain functions, run by the writer (Transaction) or a lane (Database).
#pragma once

#include "store/accounts.h"
#include "store/sqlite/transaction.h"

namespace postern::store::sqlite {

AccountTable load_accounts(Database& db);
std::vector<std::pair<AccountId, Quota>> load_quotas(Database& db);

Result<> add_domain(Transaction& tx, const DomainRow& row);
Result<> remove_domain(Transaction& tx, const std::string& name);
Result<AccountId> add_account(Transaction& tx, const AccountRow& row);
Result<> set_account(Transaction& tx, const AccountRow& row);
Result<> remove_account(Transaction& tx, AccountId id);
Result<> add_address(Transaction& tx, const AddressRow& row);
Result<> remove_address(Transaction& tx, const AddressRow& row);

}  // namespace postern::store::sqlite
