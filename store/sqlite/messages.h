// SPDX-License-Identifier: Apache-2.0
// Writes on messages: plain functions on a Transaction, run by the writer. Set-wise SQL by UID ranges, so that ten thousand
// messages cost milliseconds (storage.md §3).
#pragma once

#include "store/sqlite/transaction.h"

namespace postern::store::sqlite {

/// A new message for a mailbox; its blob reference is counted by the caller.
struct Insert {
  std::int64_t blob = 0;
  std::uint64_t body_size = 0;
  std::string_view prefix;
  const MessageMeta& meta;
  std::uint64_t flags = 0;
  UnixTime internal_date = 0;
};
Uid insert_message(Transaction& tx, MailboxState& mailbox, const Insert& message);

/// Errors: over_quota, naming the domain, or the account (whose domain is asked too).
Result<> check_quota(const DomainState& domain, std::uint64_t bytes, std::uint64_t messages);
Result<> check_quota(const AccountState& account, std::uint64_t bytes, std::uint64_t messages);

Result<Accepted> accept(Transaction& tx, const Acceptance& acceptance, const NewBody& body);
Result<Appended> append(Transaction& tx, MailboxState& mailbox, const std::vector<NewMessage>& messages,
                        std::span<const NewBody> bodies);
/// `may`: bits of a row that the change may touch; the others stay as they are.
Result<FlagResult> store_flags(Transaction& tx, MailboxState& mailbox, const UidSet& uids, const FlagChange& change,
                               std::uint64_t may = ~std::uint64_t{0});
Result<UidSet> expunge(Transaction& tx, MailboxState& mailbox, const UidSet& uids, ExpungeMode mode);
Result<Copied> copy(Transaction& tx, MailboxState& from, const UidSet& uids, MailboxState& to, CopyMode mode);
/// Counts in a row that was inserted into `message`, and announces it.
void count_in(Transaction& tx, MailboxState& mailbox, const Row& row, std::uint64_t size);
/// The OR of all flags in the mailbox, those of expunged messages too.
std::uint64_t keywords_in_use(Transaction& tx, const MailboxState& mailbox);
/// What becomes of the messages of a mailbox that is removed: undelete can find them, or they are due at once.
enum class Fate : std::uint8_t { recoverable, lost };

// Steps of a COPY in slices (big_copy.h).
/// Rows, cached structure and references of one dense range of UIDs, copied to ids from `first` on.
void copy_range(Transaction& tx, const MailboxState& from, UidRange range, std::int64_t first, ModSeq modseq);
/// Copies that lie behind UIDNEXT already become messages: counted, with a new mod-sequence that they carry already.
void publish_rows(Transaction& tx, MailboxState& mailbox, Uid first, Uid last);
/// Takes rows out of a mailbox that live on in another.
void move_out(Transaction& tx, MailboxState& mailbox, const UidSet& uids);

/// Everything in the mailbox goes to `reap`; for a mailbox that is being removed.
void reap_all(Transaction& tx, MailboxState& mailbox, Fate fate);
/// Ends up to `most` expunged messages whose window is over; true when there may be more.
bool reap_expired(Transaction& tx, UnixTime expunged_before, std::size_t most);

}  // namespace postern::store::sqlite
