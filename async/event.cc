// SPDX-License-Identifier: Apache-2.0
// Event: subscriptions stand in one list under a mutex; publishing takes the due ones out and posts each to its executor.
#include "async/event.h"

#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/prefer.hpp>
#include <list>
#include <mutex>
#include <vector>

#include "async/completion.h"
#include "async/executor.h"

namespace postern::async {

/// `callback` is touched only on `executor`; `position` and `listed` only under the Event's mutex.
struct Event::Subscription::Node {
  std::uint64_t seen = 0;
  Executor executor;
  std::move_only_function<void()> callback;
  std::weak_ptr<Shared> event;
  std::list<std::shared_ptr<Node>>::iterator position;
  bool listed = false;

  static void run(const std::shared_ptr<Node>& node) {
    if (auto callback = std::exchange(node->callback, nullptr)) callback();
  }
};

using Node = Event::Subscription::Node;

struct Event::Shared {
  std::mutex mutex;
  std::uint64_t sequence = 0;
  bool closed = false;
  std::list<std::shared_ptr<Node>> nodes;

  /// Takes out what is due now (everything when closed) and posts it.
  void wake(std::unique_lock<std::mutex> lock) {
    Batch batch;
    for (auto node = nodes.begin(); node != nodes.end();) {
      if (!closed && (*node)->seen >= sequence) {
        ++node;
        continue;
      }
      (*node)->listed = false;
      batch.add((*node)->executor, [due = *node] { Node::run(due); });
      node = nodes.erase(node);
    }
    lock.unlock();
    batch.flush();
  }
};

Event::Event() : shared_(std::make_shared<Shared>()) {}

Event::~Event() {
  std::unique_lock lock(shared_->mutex);
  shared_->closed = true;
  shared_->wake(std::move(lock));
}

std::uint64_t Event::sequence() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->sequence;
}

void Event::publish() {
  std::unique_lock lock(shared_->mutex);
  ++shared_->sequence;
  shared_->wake(std::move(lock));
}

void Event::publish(std::uint64_t sequence) {
  std::unique_lock lock(shared_->mutex);
  if (sequence <= shared_->sequence) return;
  shared_->sequence = sequence;
  shared_->wake(std::move(lock));
}

Event::Subscription& Event::Subscription::operator=(Subscription&& other) noexcept {
  if (this != &other) {
    reset();
    node_ = std::move(other.node_);
  }
  return *this;
}

void Event::Subscription::reset() {
  auto node = std::exchange(node_, nullptr);
  if (!node) return;
  node->callback = nullptr;
  auto event = node->event.lock();
  if (!event) return;
  const std::lock_guard lock(event->mutex);
  if (std::exchange(node->listed, false)) event->nodes.erase(node->position);
}

Event::Subscription Event::subscribe(std::shared_ptr<Shared> shared, std::uint64_t seen, Executor executor,
                                     std::move_only_function<void()> callback) {
  auto node = std::make_shared<Node>();
  node->seen = seen;
  node->executor = boost::asio::prefer(std::move(executor), boost::asio::execution::outstanding_work.tracked);
  node->callback = std::move(callback);
  node->event = shared;
  Subscription subscription;
  subscription.node_ = node;
  std::unique_lock lock(shared->mutex);
  node->position = shared->nodes.insert(shared->nodes.end(), node);
  node->listed = true;
  if (shared->closed || shared->sequence > seen) shared->wake(std::move(lock));
  return subscription;
}

Event::Subscription Event::subscribe(std::uint64_t seen, Executor executor, std::move_only_function<void()> callback) {
  return subscribe(shared_, seen, std::move(executor), std::move(callback));
}

Task<std::uint64_t> Event::wait_beyond(std::uint64_t seen) { return wait_on(shared_, seen); }

Task<std::uint64_t> Event::wait_on(std::shared_ptr<Shared> shared, std::uint64_t seen) {
  WaitState waiter;
  const Executor executor = co_await this_executor();
  const auto subscription = subscribe(shared, seen, executor, [&waiter] { waiter.complete(); });
  co_await waiter.wait();
  const std::lock_guard lock(shared->mutex);
  if (shared->sequence <= seen) throw BrokenPromise();
  co_return shared->sequence;
}

}  // namespace postern::async
