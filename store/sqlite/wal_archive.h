// SPDX-License-Identifier: Apache-2.0
// WalArchive: copies the write-ahead log into a backup folder while the store runs, so that a restore can stop at any second.
//
//   wal/<run>/0000000001.wal       one generation of the log, the same octets, cut at a commit
//   wal/<run>/0000000001.commits   lines "FRAMES UNIXTIME": the log had so many frames at the end of that second
//
// A run begins with a process (or after a gap) and belongs to the base snapshot that the keeper makes right after begin_run().
// Invariant: within a run no commit is missing: generations follow each other by their first salt, and before each checkpoint the
// rest of a generation is copied. When that fails the run is broken and says so; what was copied stays usable.
#pragma once

#include <atomic>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "store/sqlite/wal_file.h"
#include "store/sqlite/wal_tap.h"

namespace postern::store::sqlite {

/// A commit in the archive.
struct WalPosition {
  std::string run;        ///< empty: no archive
  std::uint64_t seq = 0;  ///< generation, from 1
  std::uint64_t frames = 0;
};

/// Thread-safe.
class WalArchive final : public WalTap {
 public:
  struct Parts {
    std::filesystem::path log;     ///< mail.db-wal
    std::filesystem::path folder;  ///< <backup folder>/wal
    const Clock& clock;
    Log& events;
  };
  explicit WalArchive(Parts parts) : parts_(std::move(parts)) {}

  void committed(std::uint64_t frames) override;
  void before_checkpoint() override;

  /// Begins anew with what the log holds now. Errors: denied, no_space, io.
  Result<> begin_run(const std::string& run);
  /// Copies what is new and syncs it. Gives the last commit that is in the archive.
  Result<WalPosition> ship();
  /// True when commits were lost to the archive: a new run with a new base is needed.
  bool broken() const { return broken_.load(); }

 private:
  enum class Durability : std::uint8_t { synced, written };
  struct Commit {
    std::uint64_t frames = 0;
    UnixTime time = 0;
  };

  Result<> copy_new(Durability durability);
  Result<> follow(const WalFile& log);
  Result<> append(std::uint64_t bytes);
  Result<> append_commits(std::uint64_t frames);
  Result<> sync_files();
  void give_up(const Error& error);

  const Parts parts_;
  std::mutex mutex_;
  std::atomic<bool> broken_ = false;
  std::string run_;
  std::uint64_t seq_ = 0;
  std::uint32_t salt1_ = 0, salt2_ = 0;
  std::optional<WalFile> log_;  ///< reads on behind the last commit that was copied
  UniqueFd copy_, commits_;
  std::uint64_t shipped_bytes_ = 0;
  std::uint64_t shipped_frames_ = 0;
  std::uint64_t commits_bytes_ = 0;
  std::vector<Commit> pending_;
};

/// The last frame of this generation that was committed at that time or earlier; 0: none.
Result<std::uint64_t> frames_until(const std::filesystem::path& commits, UnixTime time);
std::filesystem::path wal_copy_path(const std::filesystem::path& run_folder, std::uint64_t seq);
std::filesystem::path wal_commits_path(const std::filesystem::path& run_folder, std::uint64_t seq);

}  // namespace postern::store::sqlite
