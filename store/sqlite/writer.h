// SPDX-License-Identifier: Apache-2.0
// Writer: the one thread that changes mail.db and the active segment. Commands from all sessions form batches; each batch is
// one transaction and one pair of parallel syncs. Success of a command means that it is durable.
// Contract: commands are plain synchronous functions on a Transaction; they check first and return an Error without having
// changed anything, or change and return a value. After a failed sync the writer refuses everything (storage.md §5 rule 5).
#pragma once

#include <atomic>
#include <chrono>
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
#include "store/sqlite/wal_tap.h"

namespace postern::store::sqlite {

/// One write with its bodies. Owned by the writer until finish().
class Command {
 public:
  virtual ~Command() = default;
  /// May be called again when the batch was rolled back. May throw SqlError.
  virtual void run(Transaction& transaction) = 0;
  virtual bool ok() const = 0;
  virtual void fail_with(const Error& error) = 0;
  /// Hands the outcome to the waiter.
  virtual void finish(async::Batch& batch) = 0;
  /// True when the outcome is not known before run() is called again in a later batch.
  virtual bool goes_on() { return false; }

  std::vector<NewBody> bodies;
  bool under_way = false;  ///< between two of its slices
  bool parked = false;     ///< taken back, for it would have changed a mailbox that is frozen
  bool refused = false;    ///< left out of the second try of a batch that found the disk full
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

/// A long piece of work, one slice in each batch. F: std::optional<Result<T>>(Transaction&, const Error* failed): nothing while
/// there is more to do. A slice that gives an error has changed nothing. When a slice or its batch failed, the next calls have
/// the error and take everything back; the last of them gives it.
template <class T, class F>
class SlicedJob final : public Command {
 public:
  SlicedJob(F step, async::Promise<Result<T>> promise) : step_(std::move(step)), promise_(std::move(promise)) {}
  void run(Transaction& transaction) override {
    lost_ = false;
    outcome_ = step_(transaction, failed_ ? &*failed_ : nullptr);
  }
  bool ok() const override { return !lost_; }
  void fail_with(const Error& error) override {
    lost_ = true;
    outcome_.reset();
    if (failed_ || !begun_) outcome_ = std::unexpected(error);  // undoing is left to the next start, or nothing was done
    if (!failed_) failed_ = error;
  }
  bool goes_on() override {
    begun_ = begun_ || !outcome_;
    return !outcome_;
  }
  void finish(async::Batch& batch) override {
    promise_.set(outcome_ ? std::move(*outcome_) : Result<T>(std::unexpected(failed_.value_or(Error{}))), batch);
  }

 private:
  F step_;
  std::optional<Result<T>> outcome_;
  std::optional<Error> failed_;
  bool lost_ = false;
  bool begun_ = false;  ///< a slice may be durable
  async::Promise<Result<T>> promise_;
};

class Writer {
 public:
  using SteadyClock = std::chrono::steady_clock;
  /// A batch takes at most this many commands or bytes of bodies.
  static constexpr std::size_t batch_commands = 512;
  static constexpr std::uint64_t batch_bytes = 8 << 20;
  static constexpr std::size_t max_waiting = 65'536;
  /// The log is moved into the database in the first quiet moment when it is this long (4 KiB pages) …
  static constexpr int checkpoint_pages = 4000;
  /// … and at once when it is this long, so that a restart has not much of it to read.
  static constexpr int most_log_pages = 8000;

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
    /// Called when a write found no room on the disk, on the writer's thread.
    std::function<void()> disk_full;
    /// Told about the write-ahead log; may be null.
    WalTap* tap = nullptr;
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
  /// Work in slices, see SlicedJob. It goes on when the caller has gone.
  template <class T, class F>
  async::Task<Result<T>> run_in_slices(F step) {
    auto [promise, future] = async::make_promise<Result<T>>();
    if (auto queued = enqueue(std::make_unique<SlicedJob<T, F>>(std::move(step), std::move(promise))); !queued) {
      co_return std::unexpected(queued.error());
    }
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
  /// Moves what fits from those that wait into `commands`, which gets no longer than `most`.
  void take_waiting(Commands& commands, std::size_t most);
  bool take_more(Commands& commands);
  void run_batch(Commands& commands);
  void refuse_for_good(const Commands& commands);
  Result<> place_bodies(std::span<std::unique_ptr<Command>> commands);
  Result<> transact(Commands& commands);
  Result<> transact_without_mail(Commands& commands, const Error& full);
  void record_rotations();
  void record_watermark(const ActiveSegment::Position& watermark);
  Result<> start_sync();
  Result<> wait_for_sync();
  /// Savepoints cost a lone command a tenth of its time, and nearly no command needs one: so a batch runs without, and once
  /// again with them when a command failed that had changed something already.
  enum class Care : std::uint8_t { none, savepoints };
  Result<bool> try_batch(Commands& commands, Care care);
  bool run_command(Command& command, Care care);
  void settle(Commands& commands);
  void queue_again(Commands slices, bool thawed);
  void drop_single_files(const Command& command);
  void fatal(const Error& error);
  void after_batch();
  Result<> checkpoint(bool truncate);
  void report_checkpoint(const Error& error);
  void use_idle_time();
  void write_clean_end();

  Parts parts_;
  Transaction transaction_;
  SyncThread sync_;
  Counters counters_;

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::size_t wake_at_ = 1;  ///< so many must wait before the thread is woken
  std::deque<std::unique_ptr<Command>> waiting_;
  bool stopping_ = false;
  std::atomic<bool> failed_ = false;

  // Writer thread only.
  /// The batch under way.
  struct Round {
    std::optional<ActiveSegment::Position> bodies;  ///< where its own begin in the segment
    std::uint64_t bytes = 0;                        ///< of its bodies
    bool open = true;                               ///< takes more commands
    SteadyClock::time_point sync_start = {};        ///< set once the segment is being made durable
    bool syncing = false;                           ///< by the other thread
  };
  Round round_;
  std::size_t crowd_ = 0;    ///< who was answered with the last batch, and who waited behind it: so many may come next
  double sync_average_ = 0;  ///< seconds, exponentially weighted
  std::vector<NewBody*> placing_;
  Commands parked_;            ///< wait until the work in slices has ended
  std::size_t under_way_ = 0;  ///< pieces of work in slices
  bool log_is_stuck_ = false;  ///< the last checkpoint failed: the next one has an idle second's time

  std::thread thread_;
};

}  // namespace postern::store::sqlite
