// SPDX-License-Identifier: Apache-2.0
// BackupKeeper: the server's own backups into the folder of the configuration: a base snapshot at the start and then at times,
// and, for getting back to any second, copies of the write-ahead log, of new bodies and of changed logins and lists at short
// intervals. One thread of its own; nothing here holds up the writer.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "store/sqlite/backup.h"
#include "store/sqlite/backup_options.h"
#include "store/sqlite/companions.h"

namespace postern::store::sqlite {

class BackupKeeper {
 public:
  struct Parts {
    BackupOptions options;
    std::filesystem::path data_dir;
    WalArchive* archive = nullptr;  ///< with point_in_time
    const Clock& clock;
    Log& log;
    /// Makes a snapshot (with its pins); called on the keeper's thread.
    std::function<Result<StagedBackup>()> stage;
  };
  explicit BackupKeeper(Parts parts);
  ~BackupKeeper() { stop(); }
  BackupKeeper(const BackupKeeper&) = delete;
  /// The last of the log is copied, the thread ends.
  void stop();

 private:
  void loop();
  /// A base snapshot, with a new run of the log's copies when there is none.
  void make_base();
  Result<> take_base();
  void ship();
  Result<> ship_now();
  Result<> ship_companions();
  void say(const Error& error);

  const Parts parts_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  CompanionCopies companions_;
  CompanionRun run_;   ///< without a folder: the next base begins one; without a store's id: it has no base yet
  bool said_ = false;  ///< a failure is told once until something works again
  std::thread thread_;
};

}  // namespace postern::store::sqlite
