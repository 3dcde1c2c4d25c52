// SPDX-License-Identifier: Apache-2.0
// Reads on mailboxes and messages: plain functions on a connection, run by a lane.
#pragma once

#include "store/particulars.h"
#include "store/sqlite/core.h"

namespace postern::store::sqlite {

/// Mailboxes with more rows are read on the long lane, in slices: about 1.5 ms each, and whole chunks.
inline constexpr std::uint64_t max_short_rows = 20'000;
inline constexpr std::uint64_t slice_rows = 8 * Snapshot::chunk_rows;

bool account_exists(Database& db, AccountId account);
bool owns(Database& db, AccountId account, MailboxId mailbox);
std::vector<std::string> read_subscriptions(Database& db, AccountId account);
UidSet read_vanished(Database& db, MailboxId mailbox, ModSeq since);
struct InfoOrder {
  MailboxId mailbox = 0;
  const UidSet& uids;
  MetaFields fields = meta_none;
  UnixTime expunged_since = 0;  ///< for meta_expunged
};
/// Session::info(). Errors: limit.
Result<std::vector<MessageInfo>> read_infos(Database& db, const InfoOrder& order);
/// Errors: limit.
Result<std::vector<Particulars>> read_particulars(Database& db, AccountId account, MailboxId mailbox, const UidSet& uids);
/// Which store this is; nobody outside knows it.
std::string store_id(Database& db);
struct TextOrder {
  MailboxId mailbox = 0;
  const UidSet& uids;
  ReadLimit limit;
};
/// Session::read().
ReadTexts read_texts(Core& core, Database& db, const TextOrder& order);
/// Null when there is no such mailbox.
SnapshotPtr read_snapshot(Database& db, MailboxId mailbox);

using WatchPtr = std::shared_ptr<WatchState>;
struct LoadOrder {
  AccountId account = 0;
  MailboxId mailbox = 0;
  std::uint64_t most_rows = 0;
};
/// Reads the mailbox into the cache. Gives nothing when it has more rows than that. Errors: not_found.
Result<std::optional<WatchPtr>> load_watch(Core& core, Database& db, const LoadOrder& order);
/// The same for a mailbox of any size: `most_rows` in one visit to the long lane, then others get their turn. Errors: not_found.
Task<Result<WatchPtr>> load_in_slices(Core& core, LoadOrder order);

}  // namespace postern::store::sqlite
