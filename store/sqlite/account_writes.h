// SPDX-License-Identifier: Apache-2.0
// Writes and reads of domains, accounts, addresses, groups and send-as rights: plain functions, run by the writer (Transaction)
// or a lane (Database). Errors as store/accounts.h says.
#pragma once

#include "store/accounts.h"
#include "store/sqlite/transaction.h"

namespace postern::store::sqlite {

AccountTable load_accounts(Database& db);
std::vector<std::pair<AccountId, AccountQuota>> load_quotas(Database& db);
std::vector<std::pair<std::string, Quota>> load_domain_quotas(Database& db);
std::vector<QuotaNotice> load_quota_notices(Database& db);

Result<> add_domain(Transaction& tx, const DomainRow& row);
Result<> set_domain(Transaction& tx, const DomainRow& row);
Result<> remove_domain(Transaction& tx, const std::string& name);
Result<AccountId> add_account(Transaction& tx, const AccountRow& row);
Result<std::vector<AccountId>> add_accounts(Transaction& tx, const std::vector<NewAccount>& rows);
Result<> set_account(Transaction& tx, const AccountRow& row);
Result<> remove_account(Transaction& tx, AccountId id);
Result<> add_address(Transaction& tx, const AddressRow& row);
Result<> remove_address(Transaction& tx, const AddressRow& row);
Result<> set_group(Transaction& tx, const GroupRow& row);
Result<> remove_group(Transaction& tx, const std::string& name);
Result<> add_send_as(Transaction& tx, const SendAsRow& row);
Result<> remove_send_as(Transaction& tx, const SendAsRow& row);
Result<> set_quota_notice(Transaction& tx, const QuotaNotice& notice);

}  // namespace postern::store::sqlite
