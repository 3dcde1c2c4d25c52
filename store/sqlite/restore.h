// SPDX-License-Identifier: Apache-2.0
// Restores: brings mail of a backup into the living store, while it serves. A job (RestoreOrder::job) reads the databases and
// segments in <data>/restore/<job> and works in slices of some hundred messages, so that memory and the writer's time are bounded
// at any size of a mailbox.
// Invariants: while a mailbox is filled it belongs to account 0 and has no name that anybody could open; one last command gives
// it account and name. A slice and the mark of how far the job is are one transaction. A body that the store still has, whole, is
// referred to again; only others are written.
#pragma once

#include <map>
#include <mutex>

#include "store/recovery_admin.h"
#include "store/sqlite/restore_steps.h"

namespace postern::store::sqlite {

class Restores {
 public:
  struct Parts {
    Core& core;
    std::filesystem::path data_dir;
    Log& log;
  };
  explicit Restores(Parts parts) : parts_(std::move(parts)) {}
  ~Restores() { stop(); }

  Task<Result<RestoreProgress>> begin(RestoreOrder order);
  Task<Result<RestoreProgress>> step(std::string job);
  Task<Result<>> end(std::string job);
  /// Ends the threads of all jobs; they go on at the next begin().
  void stop();

 private:
  using JobPtr = std::shared_ptr<RestoreJob>;

  std::filesystem::path folder_of(const std::string& job) const;
  Result<JobPtr> open(const RestoreOrder& order);
  JobPtr find(const std::string& job);
  Task<Result<RestoreProgress>> plan(JobPtr job);
  Task<Result<>> copy_credentials(JobPtr job, AccountId account);
  Task<Result<>> end_old_jobs();

  const Parts parts_;
  std::mutex mutex_;
  std::map<std::string, JobPtr> jobs_;
};

}  // namespace postern::store::sqlite
