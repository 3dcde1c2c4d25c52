// SPDX-License-Identifier: Apache-2.0
// WaitState: a mutex, a flag and at most one suspended coroutine, kept as a move-only function that resumes it.
#include "async/completion.h"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <mutex>

namespace postern::async {

namespace asio = boost::asio;
using boost::system::error_code;

void Batch::add(Executor executor, std::move_only_function<void()> resume) {
  for (auto& group : groups_) {
    if (group.executor != executor) continue;
    group.resume.push_back(std::move(resume));
    return;
  }
  groups_.push_back(Group{std::move(executor), {}});
  groups_.back().resume.push_back(std::move(resume));
}

void Batch::flush() {
  for (auto& group : std::exchange(groups_, {})) {
    asio::post(group.executor, [resume = std::move(group.resume)]() mutable {
      for (auto& one : resume) one();
    });
  }
}

struct WaitState::Shared {
  std::mutex mutex;
  bool completed = false;
  Executor executor;  ///< of the waiter; counts as work of its loop
  std::move_only_function<void(error_code)> resume;

  /// Takes the waiter out; empty when nobody waits.
  std::move_only_function<void(error_code)> take(bool complete_now) {
    const std::lock_guard lock(mutex);
    completed = completed || complete_now;
    return std::exchange(resume, nullptr);
  }
  void cancel() {
    auto waiter = take(false);
    if (!waiter) return;
    asio::post(executor, [waiter = std::move(waiter)]() mutable { waiter(asio::error::operation_aborted); });
  }
};

namespace {

/// Registers the handler, or posts it when the completion came first.
struct StartWait {
  template <class Handler, class Shared>
  void operator()(Handler handler, const std::shared_ptr<Shared>& shared, const Executor& executor) const {
    auto slot = asio::get_associated_cancellation_slot(handler);
    {
      const std::lock_guard lock(shared->mutex);
      if (!shared->completed) {
        shared->executor = asio::prefer(executor, asio::execution::outstanding_work.tracked);
        shared->resume = [handler = std::move(handler)](error_code code) mutable { std::move(handler)(code); };
        if (slot.is_connected()) slot.assign([shared](asio::cancellation_type) { shared->cancel(); });
        return;
      }
    }
    asio::post(executor, [handler = std::move(handler)]() mutable { std::move(handler)(error_code()); });
  }
};

}  // namespace

WaitState::WaitState() : shared_(std::make_shared<Shared>()) {}
WaitState::~WaitState() = default;

Task<> WaitState::wait() {
  auto shared = shared_;
  const Executor executor = co_await asio::this_coro::executor;
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void(error_code)>(StartWait(), asio::use_awaitable, shared,
                                                                                 executor);
}

void WaitState::complete(Batch& batch) {
  auto waiter = shared_->take(true);
  if (!waiter) return;
  batch.add(shared_->executor, [waiter = std::move(waiter)]() mutable { waiter(error_code()); });
}

void WaitState::complete() {
  Batch batch;
  complete(batch);
}

}  // namespace postern::async
