// SPDX-License-Identifier: Apache-2.0
// Promise and Future: one value handed from any thread to one waiting coroutine. The store's writer thread uses it to
// resume everybody whose work was in a batch: all waiters of one executor are resumed by one post.
//
//   auto [promise, future] = async::make_promise<Result<Uid>>();
//   writer.enqueue({request, std::move(promise)});
//   co_return co_await std::move(future).get();
//   ... on the writer's thread:  Batch batch;  for (auto& job : done) job.promise.set(job.result, batch);  batch.flush();
//
// Invariants: a coroutine resumes on its own executor, never inside set(). A promise that goes without a value makes get()
// throw BrokenPromise. A coroutine that is cancelled while it waits stops waiting; the value is then dropped.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "async/task.h"

namespace postern::async {

/// The other side went away without an answer: shutting down, or a bug.
struct BrokenPromise : std::runtime_error {
  BrokenPromise() : std::runtime_error("the work was dropped before it was done") {}
};

/// Collects resumptions, one post for each executor at flush(). Not thread-safe; flushes itself when it goes.
class Batch {
 public:
  Batch() = default;
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
  ~Batch() { flush(); }
  void add(Executor executor, std::move_only_function<void()> resume);
  void flush();

 private:
  struct Group {
    Executor executor;
    std::vector<std::move_only_function<void()>> resume;
  };
  std::vector<Group> groups_;
};

/// The part of a Promise that does not depend on T: one waiter, one completion, thread-safe.
class WaitState {
 public:
  WaitState();
  ~WaitState();
  /// Suspends until complete() was called. At most one coroutine may wait. Throws when the coroutine is cancelled.
  Task<> wait();
  /// Lets the waiter go on; later calls do nothing. Values written before are visible to the waiter.
  void complete(Batch& batch);
  void complete();

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

template <class T>
struct PromiseState {
  WaitState waiter;
  std::optional<T> value;
  std::exception_ptr error;
};

/// The receiving end. Move-only; get() may be called once.
template <class T>
class Future {
 public:
  explicit Future(std::shared_ptr<PromiseState<T>> state) : state_(std::move(state)) {}
  /// Waits for the value. Throws what set_error() gave, or BrokenPromise.
  Task<T> get() && { return get_from(std::move(state_)); }

 private:
  static Task<T> get_from(std::shared_ptr<PromiseState<T>> state) {
    co_await state->waiter.wait();
    if (state->error) std::rethrow_exception(state->error);
    if (!state->value) throw BrokenPromise();
    co_return std::move(*state->value);
  }
  std::shared_ptr<PromiseState<T>> state_;
};

/// The giving end, for one thread at a time. Move-only.
template <class T>
class Promise {
 public:
  Promise() = default;
  explicit Promise(std::shared_ptr<PromiseState<T>> state) : state_(std::move(state)) {}
  Promise(Promise&&) noexcept = default;
  Promise& operator=(Promise&& other) noexcept {
    abandon();
    state_ = std::move(other.state_);
    return *this;
  }
  ~Promise() { abandon(); }

  void set(T value) {
    state_->value.emplace(std::move(value));
    std::exchange(state_, nullptr)->waiter.complete();
  }
  /// As set(), but the waiter resumes when the batch is flushed.
  void set(T value, Batch& batch) {
    state_->value.emplace(std::move(value));
    std::exchange(state_, nullptr)->waiter.complete(batch);
  }
  void set_error(std::exception_ptr error) {
    state_->error = std::move(error);
    std::exchange(state_, nullptr)->waiter.complete();
  }
  /// False after set(), set_error() or a move.
  explicit operator bool() const { return state_ != nullptr; }

 private:
  void abandon() {
    if (state_) std::exchange(state_, nullptr)->waiter.complete();
  }
  std::shared_ptr<PromiseState<T>> state_;
};

template <class T>
std::pair<Promise<T>, Future<T>> make_promise() {
  auto state = std::make_shared<PromiseState<T>>();
  return {Promise<T>(state), Future<T>(state)};
}

}  // namespace postern::async
