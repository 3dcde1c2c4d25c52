// SPDX-License-Identifier: Apache-2.0
// The one access check: what an account may do with a mailbox (security.md D91, RFC 4314), and what stands behind a name. Read
// from any connection, in the transaction of the call that needs it.
#pragma once

#include "store/sharing.h"
#include "store/sqlite/transaction.h"

namespace postern::store::sqlite {

/// Who asks for which mailbox.
struct Visit {
  AccountId account = 0;
  MailboxId mailbox = 0;
};

/// Rights 0 when there is no such mailbox or nothing is granted.
Grant grant_of(Database& db, Visit visit);
/// Errors: not_found (nothing granted), denied (not all of `needed`).
Result<Grant> allow(Database& db, Visit visit, Rights needed);
/// The same for one of several rights.
Result<Grant> allow_any(Database& db, Visit visit, Rights wanted);

/// A mailbox name as its owner calls it.
struct Place {
  AccountId owner = 0;
  std::string name;  ///< canonical; empty: a level above mailboxes, which can only be listed
};
/// Reads a name as this account uses it. Nothing when the account that it names does not exist. Errors: as canonical_mailbox().
Result<std::optional<Place>> place_of(Database& db, AccountId me, const std::string& name);
/// The domain of the account's login.
std::string domain_of(Database& db, AccountId account);
/// What this account calls a mailbox of another.
std::string name_for(Database& db, const std::string& my_domain, const Place& place);
/// Ids of the mailboxes of others on which something is granted to this account.
std::vector<MailboxId> granted_mailboxes(Database& db, AccountId me);
/// What the account has seen where everybody has their own \Seen.
UidSet read_seen(Database& db, Visit visit);

}  // namespace postern::store::sqlite
