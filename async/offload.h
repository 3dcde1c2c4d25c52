// SPDX-License-Identifier: Apache-2.0
// Pool and offload: plain synchronous work (hashing, long scans) on threads of its own, awaited from a coroutine that resumes
// on its own executor. The queue is bounded: a full pool answers Error unavailable at once, so that load is felt where it is
// made.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "async/completion.h"
#include "async/task.h"
#include "base/result.h"

namespace postern::async {

class Pool {
 public:
  struct Options {
    std::string name;               ///< thread name, at most 15 octets are shown by the system
    std::size_t threads = 1;        ///< 1–256
    std::size_t queue_limit = 256;  ///< jobs waiting, without those running
  };
  explicit Pool(Options options);
  /// Finishes running jobs, drops waiting ones (their waiters get BrokenPromise).
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// False when the queue is full or the pool stops; the job is then destroyed. Thread-safe. Jobs must not throw.
  bool submit(std::move_only_function<void()> job);
  /// Jobs waiting now.
  std::size_t waiting() const;
  /// No new jobs, finish the running ones, join. Not to be called on a thread of the pool.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

namespace detail {
template <class T>
struct Flatten {
  using type = Result<T>;
};
template <class T>
struct Flatten<Result<T>> {
  using type = Result<T>;
};
template <class F>
using OffloadResult = typename Flatten<std::invoke_result_t<F>>::type;

template <class R, class F>
R call_into(F& work) {
  if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
    work();
    return R();
  } else {
    return R(work());
  }
}
}  // namespace detail

/// Runs work() on the pool. Gives Result<T> for work that returns T, and Result<U> unchanged for work that returns Result<U>.
/// Error unavailable when the pool's queue is full. Exceptions of work() are rethrown here. `work` is owned by the job: a caller
/// that is cancelled goes on without waiting for it, so it must hold what it uses by value or shared_ptr.
template <class F>
Task<detail::OffloadResult<F>> offload(Pool& pool, F work) {
  using R = detail::OffloadResult<F>;
  auto [promise, future] = make_promise<R>();
  auto job = [work = std::move(work), done = std::move(promise)]() mutable {
    try {
      done.set(detail::call_into<R>(work));
    } catch (...) {
      done.set_error(std::current_exception());
    }
  };
  if (!pool.submit(std::move(job))) co_return fail(ErrorKind::unavailable, "too much work is waiting");
  co_return co_await std::move(future).get();
}

}  // namespace postern::async
