// SPDX-License-Identifier: Apache-2.0
// Backups in three steps. stage: the running store makes a snapshot of its databases and a hard link of every segment in its own
// folder; collect: whoever may write to the backup folder takes from there what it lacks; prune: old backups go. The server can
// so be shut out of the folder of its backups, and the command line does the second step with the admin's rights.
// Order (storage.md §6): index first, then segments, the manifest last. Everything is synced before the manifest has its name.
// Each step can be repeated after a crash: unfinished files have names of their own and are made again.
#pragma once

#include <functional>

#include "store/recovery_admin.h"
#include "store/sqlite/backup_files.h"
#include "store/sqlite/database.h"
#include "store/sqlite/manifest.h"
#include "store/sqlite/wal_archive.h"

namespace postern::store::sqlite {

struct StageParts {
  std::filesystem::path data_dir;
  const Clock& clock;
  WalArchive* archive = nullptr;  ///< null: no copies of the log
};
/// Reads through connections of its own. The caller keeps the segments' files in place meanwhile (pins.h). Errors: no_space, io.
Result<StagedBackup> stage_backup(const StageParts& parts);
/// Removes one snapshot, or all when the name is empty.
void remove_staged(const std::filesystem::path& data_dir, const std::string& name = {});

struct CollectOrder {
  std::filesystem::path staged;
  std::filesystem::path folder;                                                 ///< of the backups; made when missing
  std::filesystem::path config;                                                 ///< copied too; empty: none
  enum class Secrets : std::uint8_t { with, without } secrets = Secrets::with;  ///< auth.db, *.key and the configuration
  Transfer transfer = Transfer::link;
};
/// How far it is, in octets of segments.
struct CollectProgress {
  std::uint64_t done = 0;
  std::uint64_t total = 0;
};
struct Collected {
  Manifest manifest;
  std::uint64_t new_bytes = 0;          ///< of segments that the folder lacked
  std::vector<std::string> complaints;  ///< segments that the store itself has lost or cut
};
/// Errors: conflict (another process works there, or the folder holds another store's backups), denied, no_space, io.
Result<Collected> collect_backup(const CollectOrder& order, const std::function<void(CollectProgress)>& progress);

struct Pruned {
  std::size_t backups = 0;
  std::size_t segments = 0;
};
/// Keeps the newest `keep` (at least 1) backups, the segments that they mention, and the log's copies since the oldest of them.
Result<Pruned> prune_backups(const std::filesystem::path& folder, std::size_t keep);

/// Brings the segment files of the folder up to those of the store, without a snapshot: what the log's copies refer to.
Result<> ship_segments(const std::filesystem::path& staged_or_data, const std::filesystem::path& folder, Database& index,
                       Transfer transfer);

/// What an index says about each of its segments: id, needed octets, sealed or not.
struct SegmentNeed {
  SegmentId id = 0;
  std::uint64_t bytes = 0;
  bool sealed = false;
};
std::vector<SegmentNeed> segments_of(Database& index);
std::filesystem::path segment_path(const std::filesystem::path& folder, SegmentId id);

}  // namespace postern::store::sqlite
