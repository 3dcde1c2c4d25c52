// SPDX-License-Identifier: Apache-2.0
// The steps of a restore (store/sqlite/restore.h): one slice of one mailbox at a time, and its last command.
#pragma once

#include <atomic>

#include "store/recovery_admin.h"
#include "store/sqlite/core.h"

namespace postern::store::sqlite {

/// A job with its backup open.
struct RestoreJob {
  RestoreJob(RestoreOrder o, std::filesystem::path f, std::unique_ptr<Database> backup, Disk& disk)
      : order(std::move(o)), folder(std::move(f)), segments(folder / "seg", disk), lane("store-restore", std::move(backup)) {}
  const RestoreOrder order;
  const std::filesystem::path folder;
  SegmentFolder segments;
  Lane lane;                       ///< reads the backup's mail.db
  std::atomic<bool> busy = false;  ///< one step at a time
};

/// The next mailbox of the job that is not done; mailbox 0: nothing was made for it yet.
struct RestoreItem {
  MailboxId source = 0;
  AccountId account = 0;
  std::string name;
  int mode = 0;
  MailboxId mailbox = 0;
  Uid next_uid = 1;
  Uid last_uid = UINT32_MAX;
};
std::optional<RestoreItem> next_item(Database& live, const std::string& job);
/// Counts of the job's rows.
RestoreProgress progress_of(Database& live, const std::string& job);

/// One slice, or the end, of one mailbox. Adds to the progress. Errors leave the item where it was.
Task<Result<>> work_on(Core& core, std::shared_ptr<RestoreJob> job, RestoreItem item, RestoreProgress& progress);

}  // namespace postern::store::sqlite
