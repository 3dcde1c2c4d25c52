// SPDX-License-Identifier: Apache-2.0
// Writer: the one thread that changes mail.db and the active segment. Commands from all sessions form batches; each batch is
// one transaction and one pair of parallel syncs. Success of a command means that it is durable.
// Contract: commands are plain synchronous functions on a Transaction; they check first and return an Error without having
// changed anything, or change and return a value. After a failed sync the writer refuses everything (storage.md §5 rule 5).
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "async/completion.h"
#include "base/log.h"
#include "base/metrics.h"
#include "store/sqlite/segments.h"
#include "store/sqlite/sync_thread.h"
#include "store/sqlite/transaction.h"

namespace postern::store::sqlite {

/// One write with its bodies. Owned by the writer until finish().
class Command {
 public:
  virtual ~Command() = default;
  /// Runs in a savepoint. May throw SqlError.
  virtual void run(Transaction& transaction) = 0;
  virtual bool ok() const = 0;
  virtual void fail_with(const Error& error) = 0;
  /// Hands the outcome to the waiter.
  virtual void finish(async::Batch& batch) = 0;

  std::vector<NewBody> bodies;
};

template <class T, class F>
class Job final : public Command {
 public:
  Job(F work, async::Promise<Result<T>> promise) : work_(std::move(work)), promise_(std::move(promise)) {}
  void run(Transaction& transaction) override { result_ = work_(transaction, std::span<const NewBody>(bodies)); }
  bool ok() const override { return result_.has_value(); }
  void fail_with(const Error& error) override { result_ = std::unexpected(error); }
  void finish(async::Batch& batch) override { promise_.set(std::move(result_), batch); }

 private:
  F work_;
  Result<T> result_ = fail(ErrorKind::internal, "the command did not run");
  async::Promise<Result<T>> promise_;
};

class Writer {
 public:
  /// A batch takes at most this many commands or bytes of bodies.
  static constexpr std::size_t batch_commands = 512;
  static constexpr std::uint64_t batch_bytes = 8 << 20;
  static constexpr std::size_t max_waiting = 65'536;
  /// The log is moved into the database when it is this long (4 KiB pages).
  static constexpr int checkpoint_pages = 4000;

  struct Parts {
    Database& db;
    SegmentFolder& folder;
    ActiveSegment& segment;
    const Clock& clock;
    Log& log;
    Metrics& metrics;
    /// Called on the writer's thread when a batch is durable and before its waiters resume.
    std::function<void(const Transaction&)> publish;
    /// Adds to each batch what was left for it; with null it only says whether there is anything.
    std::function<bool(Transaction*)> prelude;
    /// Work of its own, run as a command when a minute has gone; true when there is more to do at once.
    std::function<bool(Transaction&)> housekeeping;
  };
  explicit Writer(Parts parts);
  /// close()
  ~Writer();
  Writer(const Writer&) = delete;

  /// F: Result<T>(Transaction&, std::span<const NewBody>). Resumes on the caller's executor when the outcome is durable.
  template <class T, class F>
  async::Task<Result<T>> run(F work, std::vector<NewBody> bodies = {}) {
    auto [promise, future] = async::make_promise<Result<T>>();
    auto job = std::make_unique<Job<T, F>>(std::move(work), std::move(promise));
    job->bodies = std::move(bodies);
    if (auto queued = enqueue(std::move(job)); !queued) co_return std::unexpected(queued.error());
    co_return co_await std::move(future).get();
  }
  /// Finishes what is queued, writes a clean end, joins the thread.
  void close();
  bool failed() const { return failed_.load(); }

 private:
  using Commands = std::vector<std::unique_ptr<Command>>;
  struct Counters {
    Counter batches, commands;
    Histogram batch_size, sync_seconds;
  };

  Result<> enqueue(std::unique_ptr<Command> command);
  void loop();
  Commands take();
  void linger(std::unique_lock<std::mutex>& lock);
  void run_batch(Commands& commands);
  Result<> place_bodies(Commands& commands);
  Result<> transact(Commands& commands, const ActiveSegment::Position* watermark);
  void record_segments(const ActiveSegment::Position* watermark);
  void run_one(Command& command);
  void settle(Commands& commands);
  void drop_single_files(const Command& command);
  void fatal(const Error& error);
  void after_batch();
  void housekeep();
  void write_clean_end();

  Parts parts_;
  Transaction transaction_;
  SyncThread sync_;
  Counters counters_;

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::unique_ptr<Command>> waiting_;
  bool stopping_ = false;
  std::atomic<bool> failed_ = false;

  // Writer thread only.
  std::size_t previous_batch_ = 0;
  double sync_average_ = 0;  ///< seconds, exponentially weighted
  std::vector<NewBody*> placing_;
  std::chrono::steady_clock::time_point last_housekeeping_ = std::chrono::steady_clock::now();
  std::thread thread_;
};

}  // namespace postern::store::sqlite
