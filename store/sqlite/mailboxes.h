// SPDX-License-Identifier: Apache-2.0
// Writes on mailboxes, their names and subscriptions: plain functions on a Transaction, run by the writer. Names are canonical
// (store/mailbox_name.h).
#pragma once

#include "store/sqlite/messages.h"

namespace postern::store::sqlite {

/// Reads the row as the session lists it, from any connection; counters are those of the last commit.
std::optional<MailboxInfo> read_mailbox(Database& db, AccountId account, std::string_view name);
std::vector<MailboxInfo> read_mailboxes(Database& db, AccountId account);

/// The mailbox, made with its parents when missing. Errors: invalid, limit.
Result<MailboxState*> mailbox_for_delivery(Transaction& tx, AccountId account, std::string_view name);
Result<MailboxInfo> create_mailbox(Transaction& tx, AccountId account, const std::string& name, SpecialUse use);
Result<> remove_mailbox(Transaction& tx, AccountId account, const std::string& name);
Result<> rename_mailbox(Transaction& tx, AccountId account, const std::string& from, const std::string& to);
Result<> subscribe(Transaction& tx, AccountId account, const std::string& name, bool on);
/// Messages, names and all, for remove_mailbox, for the removal of an account, and for a restore in its place.
void drop_mailbox(Transaction& tx, MailboxState& mailbox, Fate fate);

}  // namespace postern::store::sqlite
