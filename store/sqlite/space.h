// SPDX-License-Identifier: Apache-2.0
// Space: what happens when the disk fills up (security.md §6.3, R6). Two lines of defence:
//   1. below the low-water mark (store.free_space_min) new mail is refused at once, before anything of it is written;
//   2. when a commit finds no room all the same, the ballast file is emptied, so that deletions, marks and the log commit in the
//      room it kept, and new mail is refused.
// When there is room again the ballast is filled first, then new mail is taken again; looked at every half second.
// Invariants: thread-safe; refusing() costs one atomic load.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "base/metrics.h"
#include "store/sqlite/disk.h"

namespace postern::store::sqlite {

class Space {
 public:
  struct Limits {
    std::uint64_t free_min = 0;  ///< 0: only a failed write counts as full
    std::uint64_t ballast = 0;   ///< 0: none
  };
  static constexpr std::chrono::milliseconds look_interval{500};

  struct Parts {
    std::filesystem::path folder;
    Disk& disk;
    Log& log;
    Metrics& metrics;
  };
  Space(Parts parts, Limits limits);
  ~Space() { stop(); }
  Space(const Space&) = delete;

  /// Fills the ballast and looks every half second from now on.
  void start();
  void stop();

  /// Error no_space while new mail is refused.
  Result<> admit() const;
  bool refusing() const { return refusing_.load(); }
  /// A write found no room: the ballast goes, new mail is refused. True when that freed something.
  bool full();
  /// One look at the disk.
  void look();
  /// Room that may be taken without coming near the low-water mark, for compaction.
  std::uint64_t spare_bytes() const;
  std::uint64_t free_bytes() const;
  std::uint64_t ballast_bytes() const { return ballast_.load(); }

 private:
  void loop();
  Result<> fill_ballast();
  bool empty_ballast();
  void refuse(std::uint64_t free);
  std::filesystem::path ballast_path() const { return parts_.folder / "ballast"; }

  Parts parts_;
  const Limits limits_;
  Gauge free_gauge_, refusing_gauge_, ballast_gauge_;
  Counter refusals_;
  std::atomic<bool> refusing_ = false;
  std::atomic<std::uint64_t> ballast_ = 0;
  std::mutex acting_;  ///< full() and look() exclude each other
  bool told_of_ballast_ = false;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

/// Empties the ballast file of a store that is not open; false when there is nothing in it.
bool give_up_ballast(const std::filesystem::path& folder);

}  // namespace postern::store::sqlite
