// SPDX-License-Identifier: Apache-2.0
// Where coroutines run: the Runtime (one io_context for each thread) and the small verbs post, sleep and this_executor.
// Contract: what runs on one executor of a Runtime never runs in parallel with itself, so a session needs no lock.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

#include "async/task.h"

namespace postern::async {

/// N single-threaded executors. Construction makes them, start() begins to run, stop() ends all loops and joins.
/// Ignores SIGPIPE for the process: a peer that went away is an error value, not a signal.
class Runtime {
 public:
  /// threads = 0: one for each core.
  explicit Runtime(std::size_t threads = 0);
  /// Stops and joins when that has not been done.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  std::size_t size() const;
  Executor executor(std::size_t index) const;

  /// One unit of load on an executor, for as long as it lives.
  class Lease {
   public:
    Lease() = default;
    Lease(Executor executor, std::shared_ptr<std::atomic<std::size_t>> load);
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&& other) noexcept;
    ~Lease();
    const Executor& executor() const { return executor_; }

   private:
    Executor executor_;
    std::shared_ptr<std::atomic<std::size_t>> load_;
  };
  /// The executor with the fewest leases, with one more. Thread-safe.
  Lease lease();

  void start();
  /// Ends the loops as soon as the running handler returns, joins the threads. Coroutines still suspended are destroyed with
  /// the Runtime; stop their TaskGroup first. Not to be called on a thread of the Runtime.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Runs `function` soon on the executor. Thread-safe.
void post(const Executor& executor, std::move_only_function<void()> function);

/// The executor of the coroutine that awaits it.
Task<Executor> this_executor();

/// Suspends for at least this long. A cancelled coroutine leaves it by an exception.
Task<> sleep(std::chrono::steady_clock::duration duration);

/// Gives other work on this executor a turn (long loops over large data).
Task<> yield();

/// Runs the coroutine on an event loop of its own on this thread until it is done; rethrows what it throws.
/// For command-line tools and tests; never inside a coroutine.
void run_alone(Task<> task);
/// The same, giving the result.
template <class T>
T run_alone(Task<T> task);

namespace detail {
template <class T>
Task<> store_into(Task<T> task, std::optional<T>& out) {
  out.emplace(co_await std::move(task));
}
}  // namespace detail

template <class T>
T run_alone(Task<T> task) {
  std::optional<T> out;
  run_alone(detail::store_into(std::move(task), out));
  return std::move(*out);
}

}  // namespace postern::async
