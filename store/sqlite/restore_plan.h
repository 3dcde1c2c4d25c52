// SPDX-License-Identifier: Apache-2.0
// The plan of a restore: what is in the backup that was asked for, what of it the living store lacks, and one row in `restoring`
// for each mailbox that is to be brought back or looked through. Plain functions on a lane (reads) or the writer (plan).
#pragma once

#include "store/recovery_admin.h"
#include "store/sqlite/transaction.h"

namespace postern::store::sqlite {

/// What is done with one mailbox of the backup. The numbers are in the table; work goes in their order.
enum class RestoreMode : std::uint8_t {
  repair = 0,   ///< bodies that both have and that are damaged here get the backup's octets
  fresh = 1,    ///< a mailbox of a new name
  replace = 2,  ///< in the place of one that goes
  add = 3,      ///< messages at the end of one that stays
};

/// restoring.state. What was told is kept for a while: the same command, run again because its answer was lost, brings nothing
/// back a second time.
namespace restore_state {
inline constexpr int to_do = 0;
inline constexpr int done = 1;
inline constexpr int told = 2;
}  // namespace restore_state

struct SourceMailbox {
  MailboxId id = 0;
  std::string name;
  SpecialUse use = SpecialUse::none;
  std::uint32_t uidvalidity = 0;
  Uid uidnext = 1;
  ModSeq highest = 1;
  std::uint64_t messages = 0;
};
struct SourceAccount {
  AccountId id = 0;
  std::string login;
  std::vector<SourceMailbox> mailboxes;
};

/// The accounts of the order's scope, with the mailboxes of it. Errors: not_found.
Result<std::vector<SourceAccount>> read_sources(Database& backup, const RestoreOrder& order);

/// True when the living store has no account of this login, so that it must be made again.
bool is_lost(Database& live, const SourceAccount& account);
/// Writes the rows of `restoring` for one account, which is made again when it is lost: out of `backup`, with its domain,
/// addresses, groups and subscriptions. Gives notes for the admin. An account that was planned before stays as it is; what the
/// same job brought back before and is there still is left out.
Result<std::vector<std::string>> plan_account(Transaction& tx, const RestoreOrder& order, const SourceAccount& account,
                                              const std::filesystem::path& backup);

/// Domains and addresses that belong to no account, for a restore of everything.
Result<> plan_world(Transaction& tx, const std::filesystem::path& backup);

}  // namespace postern::store::sqlite
