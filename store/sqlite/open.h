// SPDX-License-Identifier: Apache-2.0
// Opens the real store in a data folder. One process at a time, held by a lock on <data>/lock. Folder 0700, files 0600.
//
//   auto store = store::sqlite::open({.data_dir = "/var/lib/postern"}, {clock, log, metrics});
//   if (!store) die(store.error().text);   // one line, with what to do about it
#pragma once

#include <filesystem>
#include <memory>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "store/accounts.h"
#include "store/credentials.h"
#include "store/sqlite/backup_options.h"
#include "store/sqlite/disk.h"
#include "store/sqlite/housekeeping_options.h"
#include "store/sqlite/text_index.h"
#include "store/store.h"

namespace postern::store::sqlite {

struct Options {
  std::filesystem::path data_dir;  ///< made when missing; its parent must exist
  std::chrono::seconds undelete_window = std::chrono::hours(24 * 14);
  std::uint64_t segment_bytes = std::uint64_t{1} << 30;
  std::uint64_t allocate_bytes = std::uint64_t{64} << 20;
  std::size_t snapshot_cache_bytes = std::size_t{64} << 20;
  bool search_text = true;  ///< keep the text of messages ready for searching
  HousekeepingOptions housekeeping = {};
  std::uint64_t free_space_min = 0;  ///< below it new mail is refused; 0: only when a write finds no room
  std::uint64_t ballast = 0;         ///< octets kept for a full disk; 0: none
  BackupOptions backup = {};         ///< the server's own backups
  Disk* disk = nullptr;              ///< null: the real one. Must outlive the store.
};
/// Must outlive the store.
struct Surroundings {
  const Clock& clock;
  Log& log;
  Metrics& metrics;
};

/// What only the real store has: work for the admin and for tests.
class SqliteStore : public Store {
 public:
  /// Ends the expunged messages whose undelete window is over, without waiting for the minute. Gives how many went.
  virtual Task<Result<std::size_t>> reap() = 0;
  /// The text store; null when it is switched off.
  virtual TextIndex* text_index() = 0;
  /// Compares counters, references and rows that must belong together; each finding is one line. Empty: all is well.
  virtual Task<Result<std::vector<std::string>>> audit() = 0;
};

/// Errors, each with its remedy in the text: conflict (locked by another process), unsupported (newer schema), corrupt, denied,
/// no_space, io.
Result<std::unique_ptr<SqliteStore>> open(const Options& options, const Surroundings& surroundings);

}  // namespace postern::store::sqlite
