// SPDX-License-Identifier: Apache-2.0
// Undelete: expunged messages and removed mailboxes come back out of `reap` and `removed_mailbox` while their window lasts.
// Plain functions, run by a lane (reads) or by the writer. Set-wise by ranges of UIDs; the bodies never move.
// What a MOVE left behind is not offered: the message lives on elsewhere. Removed accounts are beyond undelete; a backup has
// them.
#pragma once

#include "store/recovery_admin.h"
#include "store/sqlite/transaction.h"

namespace postern::store::sqlite {

/// Newest first. `oldest`: the beginning of the undelete window. Errors: not_found for an unknown account.
Result<std::vector<ExpungedMessage>> list_expunged(Database& db, const ExpungedChoice& choice, UnixTime oldest, std::size_t most);

/// In one transaction, with flags, keywords and internal dates; UIDs are new. Errors: not_found, over_quota, limit, invalid.
Result<Undeleted> undelete(Transaction& tx, const UndeleteOrder& order, UnixTime oldest);

/// The account goes: what its removed mailboxes left is due at once.
void forget_removed_mailboxes(Transaction& tx, AccountId account);
/// Ends removed mailboxes whose window is over.
void reap_removed_mailboxes(Transaction& tx, UnixTime removed_before);

}  // namespace postern::store::sqlite
