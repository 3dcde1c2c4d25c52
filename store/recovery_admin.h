// SPDX-License-Identifier: Apache-2.0
// Getting mail back: expunged messages within the undelete window, snapshots for backups, and restores of what a backup holds
// into the living store. Work for the admin; no session of a user reaches it.
// Contract: everything that changes the store is durable when it returns. A restore is a job of many steps that goes on where it
// stopped, also after a crash; each mailbox appears whole or not at all.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"
#include "store/ids.h"

namespace postern::store {

/// An expunged message keeps the mailbox and the UID that it had.
struct ExpungedId {
  MailboxId mailbox = 0;
  Uid uid = 0;
};
struct ExpungedMessage {
  ExpungedId id;
  std::string mailbox;           ///< its name, or the last one it had
  bool mailbox_removed = false;  ///< the mailbox went with it
  UnixTime expunged_at = 0;
  UnixTime internal_date = 0;
  std::uint64_t size = 0;
  std::uint64_t flags = 0;            ///< system flags and keyword bits
  std::vector<std::string> keywords;  ///< names of the keyword bits
  std::string envelope;               ///< IMAP ENVELOPE text
};
/// Which expunged messages of an account; an empty field chooses all.
struct ExpungedChoice {
  AccountId account = 0;
  std::string mailbox;
  std::optional<UnixTime> since;  ///< expunged at this time or later
  std::vector<ExpungedId> ids;
};
/// Whether an account's quota stands in the way of getting mail back.
enum class QuotaRule : std::uint8_t { keep, ignore };
struct UndeleteOrder {
  ExpungedChoice which;
  std::string into;  ///< empty: where each message was; a mailbox that was removed is made again
  QuotaRule quota = QuotaRule::keep;
};
struct Undeleted {
  std::uint64_t messages = 0;
  std::vector<std::string> mailboxes;  ///< that got them
};

/// A snapshot of index, credentials and segments in the data folder, made of copies and hard links, ready to be collected.
struct StagedBackup {
  std::filesystem::path folder;
  UnixTime time = 0;
};

enum class RestoreScope : std::uint8_t { message, mailbox, account, everything };
/// What happens to a mailbox that exists and differs.
enum class Collision : std::uint8_t {
  beside,   ///< the restored one is named "Restored/<time>/<name>"
  replace,  ///< the existing one goes (undelete has it), the restored one takes its name, with a new UIDVALIDITY
};
struct RestoreOrder {
  /// Names the job and the folder <data>/restore/<job> with mail.db, auth.db and seg/. The same job goes on where it stopped.
  std::string job;
  RestoreScope scope = RestoreScope::everything;
  std::string account;  ///< login
  std::string mailbox;
  Uid uid = 0;         ///< for a message
  std::string into;    ///< for a message or a mailbox: the name it gets
  std::string beside;  ///< first levels of the names of restored mailboxes: "Restored/2026-11-22 09.16"
  Collision collision = Collision::beside;
  QuotaRule quota = QuotaRule::keep;
};
/// What one step did, and how far the job is.
struct RestoreProgress {
  std::uint64_t mailboxes = 0;       ///< of the job
  std::uint64_t mailboxes_done = 0;  ///< so far
  std::uint64_t messages = 0;        ///< brought back by this step
  std::uint64_t repaired = 0;        ///< bodies that were damaged here and got new bytes, by this step
  std::vector<std::string> notes;    ///< one line each: names that were given, accounts that were made again
  bool finished = false;
};

class RecoveryAdmin {
 public:
  virtual ~RecoveryAdmin() = default;
  /// Newest first, at most so many. Errors: not_found for an account that does not exist.
  virtual async::Task<Result<std::vector<ExpungedMessage>>> list_expunged(ExpungedChoice choice, std::size_t most) = 0;
  /// All or nothing; new UIDs. Errors: not_found (nothing matches), over_quota, limit, invalid.
  virtual async::Task<Result<Undeleted>> undelete(UndeleteOrder order) = 0;

  /// Makes a snapshot below <data>/backup. The writer is not held up.
  virtual async::Task<Result<StagedBackup>> stage_backup() = 0;
  /// Removes it again.
  virtual async::Task<Result<>> release_backup(std::filesystem::path folder) = 0;

  /// Plans the job, or finds it planned. Errors: not_found (what is asked for is not in the backup), invalid, corrupt.
  virtual async::Task<Result<RestoreProgress>> begin_restore(RestoreOrder order) = 0;
  /// Works for about two seconds. Errors leave the job where it was; another step tries again.
  virtual async::Task<Result<RestoreProgress>> step_restore(std::string job) = 0;
  /// Ends the job; what was not finished is removed. Begun again within a week, it leaves out what it brought back and is there.
  virtual async::Task<Result<>> end_restore(std::string job) = 0;
};

}  // namespace postern::store
