// SPDX-License-Identifier: Apache-2.0
// Runtime: one io_context and one thread for each core; the small verbs of executor.h.
#include "async/executor.h"

#include <pthread.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <thread>
#include <vector>

namespace postern::async {

namespace asio = boost::asio;

namespace {

/// An io_context whose services can be shut down before it is destroyed, so that no loop of a Runtime is gone while
/// coroutines of another one are still being destroyed and post to it.
struct Loop : asio::io_context {
  Loop() : asio::io_context(1), guard(get_executor()) {}
  void shut_down() { asio::execution_context::shutdown(); }

  asio::executor_work_guard<asio::io_context::executor_type> guard;
  std::shared_ptr<std::atomic<std::size_t>> load = std::make_shared<std::atomic<std::size_t>>(0);
  std::thread thread;
};

/// How long run_alone() waits for other threads to let go of its loop; normally not at all.
constexpr std::chrono::milliseconds leave_time{200};

void ignore_sigpipe() { std::signal(SIGPIPE, SIG_IGN); }

}  // namespace

struct Runtime::State {
  std::vector<std::unique_ptr<Loop>> loops;
};

Runtime::Runtime(std::size_t threads) : state_(std::make_unique<State>()) {
  ignore_sigpipe();
  if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
  for (std::size_t i = 0; i < threads; ++i) state_->loops.push_back(std::make_unique<Loop>());
}

Runtime::~Runtime() {
  stop();
  for (auto& loop : state_->loops) loop->shut_down();
}

std::size_t Runtime::size() const { return state_->loops.size(); }

Executor Runtime::executor(std::size_t index) const { return state_->loops.at(index)->get_executor(); }

Runtime::Lease::Lease(Executor executor, std::shared_ptr<std::atomic<std::size_t>> load)
    : executor_(std::move(executor)), load_(std::move(load)) {
  load_->fetch_add(1, std::memory_order_relaxed);
}

Runtime::Lease& Runtime::Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    if (load_) load_->fetch_sub(1, std::memory_order_relaxed);
    executor_ = std::move(other.executor_);
    load_ = std::move(other.load_);
  }
  return *this;
}

Runtime::Lease::~Lease() {
  if (load_) load_->fetch_sub(1, std::memory_order_relaxed);
}

Runtime::Lease Runtime::lease() {
  const auto least = std::min_element(state_->loops.begin(), state_->loops.end(), [](const auto& a, const auto& b) {
    return a->load->load(std::memory_order_relaxed) < b->load->load(std::memory_order_relaxed);
  });
  return {(*least)->get_executor(), (*least)->load};
}

void Runtime::start() {
  for (std::size_t i = 0; i < state_->loops.size(); ++i) {
    Loop& loop = *state_->loops[i];
    loop.thread = std::thread([&loop] { loop.run(); });
    pthread_setname_np(loop.thread.native_handle(), ("loop-" + std::to_string(i)).c_str());
  }
}

void Runtime::stop() {
  for (auto& loop : state_->loops) loop->stop();
  for (auto& loop : state_->loops) {
    if (loop->thread.joinable()) loop->thread.join();
  }
}

void post(const Executor& executor, std::move_only_function<void()> function) { asio::post(executor, std::move(function)); }

Task<Executor> this_executor() { co_return co_await asio::this_coro::executor; }

Task<> sleep(std::chrono::steady_clock::duration duration) {
  asio::steady_timer timer(co_await asio::this_coro::executor, duration);
  co_await timer.async_wait(asio::use_awaitable);
}

Task<> yield() { co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable); }

void run_alone(Task<> task) {
  ignore_sigpipe();
  asio::io_context loop(1);
  bool done = false;
  std::exception_ptr failure;
  asio::co_spawn(loop, std::move(task), [&failure, &done](std::exception_ptr error) {
    failure = std::move(error);
    done = true;
  });
  while (!done && loop.run_one() > 0) {
  }
  // Another thread may still be inside the post that resumed us; its executor counts as work until it has left.
  loop.run_for(leave_time);
  if (failure) std::rethrow_exception(failure);
}

}  // namespace postern::async
