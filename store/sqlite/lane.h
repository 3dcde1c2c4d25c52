// SPDX-License-Identifier: Apache-2.0
// Lane: one thread with its own connection, for work that must not block the threads of the sessions. Short reads and long
// scans have lanes of their own; auth.db has one for its writes.
#pragma once

#include <memory>
#include <string>

#include "async/offload.h"
#include "store/sqlite/database.h"

namespace postern::store::sqlite {

class Lane {
 public:
  static constexpr std::size_t max_waiting = 16'384;
  Lane(std::string name, std::unique_ptr<Database> db)
      : db_(std::move(db)), pool_({.name = std::move(name), .threads = 1, .queue_limit = max_waiting}) {}

  /// Runs work(Database&) -> Result<T> in one transaction: it sees one moment, and what it writes is all or nothing. The work may
  /// throw SqlError. Errors: unavailable when the lane is stopped or overloaded, and those of SQLite.
  template <class T, class F>
  async::Task<Result<T>> run(F work) {
    auto job = [this, work = std::move(work)]() mutable { return guarded<T>(*db_, work); };
    try {
      co_return co_await async::offload(pool_, std::move(job));
    } catch (const async::BrokenPromise&) {
      co_return fail(ErrorKind::unavailable, "the store is closed");
    }
  }
  /// The same without a database: file work.
  template <class T, class F>
  async::Task<Result<T>> run_plain(F work) {
    try {
      co_return co_await async::offload(pool_, std::move(work));
    } catch (const async::BrokenPromise&) {
      co_return fail(ErrorKind::unavailable, "the store is closed");
    }
  }
  /// Drops what waits, finishes what runs, closes the connection.
  void stop() {
    pool_.stop();
    db_.reset();
  }

  template <class T, class F>
  static Result<T> guarded(Database& db, F& work) {
    try {
      ReadGuard guard(db);
      Result<T> result = work(db);
      if (result) guard.commit();
      return result;
    } catch (const SqlError& error) {
      return std::unexpected(error.error);
    }
  }

 private:
  std::unique_ptr<Database> db_;
  async::Pool pool_;
};

}  // namespace postern::store::sqlite
