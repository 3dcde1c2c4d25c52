// SPDX-License-Identifier: Apache-2.0
// Housekeeper: the store's own thread for work that no client waits for. Every minute it ends expunged messages whose window is
// over, removes retired files and compacts one segment; every hour it prunes the history of expunged messages; every night it
// audits. Admins can ask for the audit and for compaction at once (store/upkeep.h).
// Contract: one thing at a time; I/O at a limited rate; the writer is visited in short commands with rests between them
// (store/sqlite/pace.h). stop() ends everything within a fraction of a second; what was half done is found again.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "store/sqlite/audit.h"
#include "store/sqlite/body_audit.h"
#include "store/sqlite/care.h"
#include "store/sqlite/compaction.h"
#include "store/sqlite/housekeeping_options.h"
#include "store/sqlite/lane.h"
#include "store/sqlite/pruning.h"
#include "store/sqlite/text_index.h"

namespace postern::store::sqlite {

/// The first moment after `now` at which the local clock shows this time of day; nothing when it is empty or no time.
std::optional<UnixTime> next_time_of_day(UnixTime now, const std::string& time_of_day);

class Housekeeper final : public Upkeep {
 public:
  static constexpr std::size_t max_jobs = 16;
  struct Parts {
    Writer& writer;
    SegmentFolder& segments;
    Space& space;
    Lane& lane;  ///< for look() and dump()
    std::unique_ptr<Database> db;
    std::filesystem::path folder;
    std::chrono::seconds undelete_window;
    const Clock& clock;
    Log& log;
    Metrics& metrics;
    const TextIndex* text = nullptr;  ///< for look(); null when no text is kept
  };
  Housekeeper(Parts parts, HousekeepingOptions options);
  ~Housekeeper() override { stop(); }

  void start();
  /// Joins the thread; a job under way is stopped.
  void stop();

  Task<Result<StoreInfo>> look() override;
  Result<std::uint64_t> start(JobOrder order) override;
  std::optional<JobState> job(std::uint64_t id) override;
  Task<Result<std::vector<DumpRow>>> dump(DumpOrder order) override;

 private:
  using SteadyClock = std::chrono::steady_clock;
  struct Counters {
    Counter reaped_slices, compacted, copied_bytes, reclaimed_bytes, findings, repairs, bodies_read;
    Gauge last_audit, last_findings, dead_bytes;
  };

  void loop();
  /// Waits for a job, a minute, or the end; the job's id, or 0.
  std::uint64_t wait();
  void run_job(std::uint64_t id);
  void minute();
  void nightly();
  Result<> reap();
  Result<> compact_one();
  Result<> compact(std::uint64_t job, const JobOrder& order);
  Result<Compacted> compact_segment(std::uint64_t job, SegmentId id);
  Result<> audit(std::uint64_t job, const JobOrder& order);
  Result<> audit_rows(std::uint64_t job, const JobOrder& order);
  Result<> audit_credentials(std::uint64_t job, const JobOrder& order);
  Result<> audit_bodies(std::uint64_t job, const JobOrder& order);
  void take(std::uint64_t job, const JobOrder& order, Discrepancy found);
  Result<> note_audit(std::uint64_t job);
  /// Changes the state of a job under the lock.
  template <class F>
  void change(std::uint64_t id, F edit);
  void note(const char* what, const Result<>& done);

  Parts parts_;
  const HousekeepingOptions options_;
  Pace pace_;
  const Care care_;
  Counters counters_;
  SteadyClock::time_point next_minute_;
  SteadyClock::time_point next_hour_;
  std::optional<UnixTime> next_audit_;  ///< set before the thread starts, then by it under the lock
  std::vector<SegmentId> damaged_;      ///< not to be compacted again by this process

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::uint64_t last_job_ = 0;
  std::deque<JobState> jobs_;
  std::thread thread_;
};

}  // namespace postern::store::sqlite
