// SPDX-License-Identifier: Apache-2.0
// Care: what the parts of housekeeping work with (compaction, audit, reaping, pruning). One of it, on housekeeping's thread.
// Contract: reads go through a connection of its own, one short transaction each; writes are short commands for the writer, with
// a rest after each, so that clients find the writer free.
#pragma once

#include <chrono>

#include "async/executor.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/sqlite/pace.h"
#include "store/sqlite/space.h"
#include "store/sqlite/writer.h"
#include "store/upkeep.h"

namespace postern::store::sqlite {

struct Care {
  Writer& writer;
  SegmentFolder& folder;
  Database& db;  ///< read-only, nobody else's
  Space& space;
  Pace& pace;
  const Clock& clock;
  Log& log;

  /// Runs work(Transaction&) -> Result<T> in the writer, waits for its end and rests. Errors: the work's, the writer's, closed
  /// when housekeeping is to stop (the work may have been done then).
  template <class T, class F>
  Result<T> write(F work) const {
    if (pace.stopped()) return fail(ErrorKind::closed, "stopped");
    const auto begun = std::chrono::steady_clock::now();
    auto command = [work = std::move(work)](Transaction& tx, std::span<const NewBody>) mutable -> Result<T> { return work(tx); };
    auto done = wait_for<T>(std::move(command));
    if (done && !pace.rest_after(std::chrono::steady_clock::now() - begun)) return fail(ErrorKind::closed, "stopped");
    return done;
  }
  template <class T, class F>
  Result<T> wait_for(F command) const {
    try {
      return async::run_alone(writer.run<T>(std::move(command)));
    } catch (const async::BrokenPromise&) {
      return fail(ErrorKind::closed, "the store is closed");
    }
  }
  /// Runs work(Database&) in one reading transaction. SqlError becomes a value.
  template <class T, class F>
  Result<T> read(F work) const {
    try {
      ReadGuard guard(db);
      Result<T> out = work(db);
      guard.commit();
      return out;
    } catch (const SqlError& error) {
      return std::unexpected(error.error);
    }
  }
};

/// One slice: work(tx) -> Result<T>, told how long the writer was busy with it. The work may run twice (a batch that found the
/// disk full is tried again), so it must not change anything outside of the transaction.
template <class T, class F>
Result<T> write_slice(const Care& care, SliceSize& slice, F work) {
  Pace::Duration took{};
  auto timed = [&took, &work](Transaction& tx) -> Result<T> {
    const auto begun = std::chrono::steady_clock::now();
    Result<T> out = work(tx);
    took = std::chrono::steady_clock::now() - begun;
    return out;
  };
  Result<T> done = care.write<T>(std::move(timed));
  if (done) slice.learn(took);
  return done;
}

}  // namespace postern::store::sqlite
