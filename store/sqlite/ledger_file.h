// SPDX-License-Identifier: Apache-2.0
// LedgerFile: state.db, or trace.db, with its one writer thread, for the books of the ledger. Work that waits is done in one
// transaction (synchronous=NORMAL: a commit does not wait for the disk; a power cut may lose the last ones and damages nothing).
// Posted work waits a moment for more.
//
// Invariants: opening never fails. A damaged or newer file is renamed to state.db.broken-<time> and an empty one takes its
// place; where no file can be had, memory does. What fails in one piece of work undoes that piece alone. Damage found later is
// handled in the same way, while the server runs.
//
//   co_return co_await file_.run<std::size_t>([key](Database& db) -> Result<std::size_t> { return db.integer(0, "…", key); });
//   file_.post([row = std::move(row)](Database& db) { write(db, row); });
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <vector>

#include "async/completion.h"
#include "async/offload.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "store/sqlite/database.h"
#include "store/sqlite/schema.h"

namespace postern::store::sqlite {

/// Which file it is.
struct LedgerKind {
  std::string file = "state.db";
  SchemaSteps schema = state_schema();
  std::string contents = "bans and counters";  ///< for the log
  std::string lost_metric = "postern_state_writes_lost_total";
  std::size_t max_waiting = 65'536;  ///< pieces of work that may wait; more are dropped
};

class LedgerFile {
 public:
  /// Outlives the file.
  struct Parts {
    std::filesystem::path folder;
    const Clock& clock;
    Log& log;
    Metrics& metrics;
    LedgerKind kind = {};
  };
  explicit LedgerFile(Parts parts);
  ~LedgerFile();
  LedgerFile(const LedgerFile&) = delete;

  /// Runs work(Database&) -> Result<T>, which may throw SqlError, and returns when it is committed. Errors: unavailable when
  /// closed or overloaded, those of the work and of SQLite.
  template <class T, class F>
  async::Task<Result<T>> run(F work) {
    auto [promise, future] = async::make_promise<Result<T>>();
    auto tell = [teller = std::move(promise)](Result<T> result) mutable { teller.set(std::move(result)); };
    if (!add(job_for<T>(std::move(work), std::move(tell)))) {
      co_return fail(ErrorKind::unavailable, parts_.kind.file + " is closed, or too much waits for it");
    }
    co_return co_await std::move(future).get();
  }
  /// The same, for a thread that may wait.
  template <class T, class F>
  Result<T> run_now(F work) {
    std::promise<Result<T>> promise;
    auto future = promise.get_future();
    if (!add(job_for<T>(std::move(work), [&promise](Result<T> result) { promise.set_value(std::move(result)); }))) {
      return fail(ErrorKind::unavailable, parts_.kind.file + " is closed, or too much waits for it");
    }
    return future.get();
  }
  /// Runs work(Database&) some time soon. Failures are logged and counted.
  void post(std::move_only_function<void(Database&)> work);

  /// Does what waits and closes.
  void close();
  /// False when memory has taken the place of the file.
  bool on_disk() const { return on_disk_; }

 private:
  struct Job {
    std::move_only_function<Result<>(Database&)> work;
    std::move_only_function<void(Result<>)> done;  ///< empty: the failure is logged
  };
  template <class T, class F, class D>
  static Job job_for(F work, D done) {
    auto result = std::make_shared<std::optional<Result<T>>>();
    return {[result, work = std::move(work)](Database& db) mutable -> Result<> {
              result->emplace(work(db));
              return **result ? Result<>() : Result<>(std::unexpected((*result)->error()));
            },
            [result, done = std::move(done)](Result<> end) mutable {
              done(end ? std::move(**result) : Result<T>(std::unexpected(end.error())));
            }};
  }

  bool add(Job job);
  std::vector<Job> gather();
  void open();
  Result<> try_open(const std::filesystem::path& path);
  void put_aside(const Error& why);
  void drain();
  void carry(std::vector<Job> jobs);
  void lost(const Error& why, std::size_t pieces);

  Parts parts_;
  std::filesystem::path path_;
  Counter lost_;
  std::unique_ptr<Database> db_;  ///< the writer thread's
  std::atomic<bool> on_disk_ = true;
  Clock::Steady next_complaint_{};
  std::mutex mutex_;
  // Under the mutex:
  std::vector<Job> waiting_;
  bool scheduled_ = false;
  bool closed_ = false;
  bool urgent_ = false;  ///< somebody waits for an end
  std::condition_variable hurry_;
  async::Pool pool_;  // last: it uses the rest
};

}  // namespace postern::store::sqlite
