// SPDX-License-Identifier: Apache-2.0
// The record of logins and the known networks in auth.db: statements inside a transaction of the caller. SqlError on failure.
#pragma once

#include "store/credentials.h"
#include "store/sqlite/database.h"

namespace postern::store::sqlite {

std::vector<NewNetwork> record_logins(Database& db, const std::vector<LoginRow>& rows, const LoginRetention& keep);
std::vector<LoginRow> read_logins(Database& db, const LoginQuery& query);
std::vector<KnownNetwork> read_known_networks(Database& db, std::optional<AccountId> account);
/// True when it was not known.
bool learn_network(Database& db, const KnownNetwork& network);

}  // namespace postern::store::sqlite
