// SPDX-License-Identifier: Apache-2.0
// Pool: threads on one bounded queue.
#include "async/offload.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace postern::async {

/// Of a thread's name, as Linux keeps it.
constexpr std::size_t most_name = 15;

struct Pool::State {
  explicit State(Options given) : options(std::move(given)) {}
  const Options options;
  mutable std::mutex mutex;
  std::condition_variable wakeup;
  std::deque<std::move_only_function<void()>> queue;
  bool stopping = false;
  std::vector<std::thread> threads;

  /// One thread's life: take a job, run it, until stop. It names itself: the sandbox lets nobody name another thread.
  void work() {
    pthread_setname_np(pthread_self(), options.name.substr(0, most_name).c_str());
    for (;;) {
      std::unique_lock lock(mutex);
      wakeup.wait(lock, [this] { return stopping || !queue.empty(); });
      if (stopping) return;
      auto job = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      job();
    }
  }
};

Pool::Pool(Options options) : state_(std::make_unique<State>(std::move(options))) {
  constexpr std::size_t most_threads = 256;
  const std::size_t count = std::clamp<std::size_t>(state_->options.threads, 1, most_threads);
  for (std::size_t i = 0; i < count; ++i) {
    state_->threads.emplace_back([state = state_.get()] { state->work(); });
  }
}

Pool::~Pool() { stop(); }

bool Pool::submit(std::move_only_function<void()> job) {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->stopping || state_->queue.size() >= state_->options.queue_limit) return false;
    state_->queue.push_back(std::move(job));
  }
  state_->wakeup.notify_one();
  return true;
}

std::size_t Pool::waiting() const {
  const std::lock_guard lock(state_->mutex);
  return state_->queue.size();
}

void Pool::stop() {
  std::deque<std::move_only_function<void()>> dropped;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    dropped.swap(state_->queue);
  }
  state_->wakeup.notify_all();
  for (auto& thread : state_->threads) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace postern::async
