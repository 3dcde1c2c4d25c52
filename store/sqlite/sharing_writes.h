// SPDX-License-Identifier: Apache-2.0
// Writes that know about rights: plain functions on a Transaction, run by the writer. Each checks with access.h first, then does
// what messages.h and mailboxes.h do.
#pragma once

#include "store/sqlite/access.h"
#include "store/sqlite/mailboxes.h"

namespace postern::store::sqlite {

// Names are as the account uses them.
Result<MailboxInfo> create_as(Transaction& tx, AccountId me, const std::string& name, SpecialUse use);
Result<> remove_as(Transaction& tx, AccountId me, const std::string& name);
struct Renaming {
  std::string from;
  std::string to;
};
Result<> rename_as(Transaction& tx, AccountId me, const Renaming& names);

Result<FlagResult> store_flags_as(Transaction& tx, Visit visit, const UidSet& uids, FlagChange change);
Result<UidSet> expunge_as(Transaction& tx, Visit visit, const UidSet& uids, ExpungeMode mode);
/// Takes the flags away that the account may not set.
Result<Appended> append_as(Transaction& tx, Visit visit, std::vector<NewMessage>& messages, std::span<const NewBody> bodies);
/// RFC 4314 §4, RFC 6851 §4.4: what COPY or MOVE needs at both ends.
struct CopyRights {
  Grant from;
  Grant to;
};
Result<CopyRights> allow_copy(Transaction& tx, Visit from, Visit to, CopyMode mode);
/// Gives copies that have been made the flags that the account may give them.
Result<> settle_copies(Transaction& tx, const CopyRights& rights, Visit from, Visit to, const Copied& copied);

Result<std::vector<AclEntry>> read_acl(Database& db, Visit visit);
Result<> set_acl(Transaction& tx, Visit visit, const AclChange& change);
Result<> set_seen_each(Transaction& tx, Visit visit, bool on);

Result<std::vector<Annotation>> read_annotations(Database& db, Visit visit);
Result<> annotate(Transaction& tx, Visit visit, const std::vector<Annotation>& changes);

/// What hangs on a mailbox that goes away.
void forget_sharing(Transaction& tx, MailboxId mailbox);
/// What an account was granted, has seen and has noted.
void forget_guest(Transaction& tx, AccountId account);

}  // namespace postern::store::sqlite
