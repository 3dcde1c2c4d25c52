// SPDX-License-Identifier: Apache-2.0
// The real store's RecoveryAdmin: undelete, snapshots for backups, restores, and the keeper of the server's own backups.
#pragma once

#include <memory>

#include "store/recovery_admin.h"
#include "store/sqlite/backup_keeper.h"
#include "store/sqlite/restore.h"

namespace postern::store::sqlite {

class SqliteRecovery final : public RecoveryAdmin {
 public:
  struct Parts {
    Core& core;
    std::filesystem::path data_dir;
    BackupOptions backup;
    Log& log;
  };
  explicit SqliteRecovery(Parts parts);
  ~SqliteRecovery() override { close(); }

  /// For the writer; null without point in time.
  WalTap* tap() { return archive_.get(); }
  /// The keeper begins, when there is a folder for it. Leftovers of a former life go.
  void start();
  /// Before the writer ends: the keeper copies the last of the log.
  void close();

  Task<Result<std::vector<ExpungedMessage>>> list_expunged(ExpungedChoice choice, std::size_t most) override;
  Task<Result<Undeleted>> undelete(UndeleteOrder order) override;
  Task<Result<StagedBackup>> stage_backup() override;
  Task<Result<>> release_backup(std::filesystem::path folder) override;
  Task<Result<RestoreProgress>> begin_restore(RestoreOrder order) override { return restores_.begin(std::move(order)); }
  Task<Result<RestoreProgress>> step_restore(std::string job) override { return restores_.step(std::move(job)); }
  Task<Result<>> end_restore(std::string job) override { return restores_.end(std::move(job)); }

 private:
  const Parts parts_;
  Lane lane_;  ///< snapshots; has no connection of its own
  std::unique_ptr<WalArchive> archive_;
  Restores restores_;
  std::atomic<std::uint64_t> snapshots_ = 0;  ///< names their pins
  std::unique_ptr<BackupKeeper> keeper_;
};

}  // namespace postern::store::sqlite
