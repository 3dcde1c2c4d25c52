// SPDX-License-Identifier: Apache-2.0
// Event: a level-triggered signal with a sequence number, for waiters on any executor. Nothing can be missed: a waiter
// says which number it has seen, and the comparison happens after it is registered.
//
//   std::uint64_t seen = changes.sequence();
//   for (;;) { handle_changes_up_to(seen); seen = co_await changes.wait_beyond(seen); }
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "async/task.h"

namespace postern::async {

/// Thread-safe. May be destroyed while coroutines wait: they get BrokenPromise.
class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  /// The number published last; 0 at first.
  std::uint64_t sequence() const;
  /// Raises the number by one and wakes everybody whose seen number is now below it.
  void publish();
  /// Raises the number to `sequence` when that is larger; used where the number is a modseq.
  void publish(std::uint64_t sequence);

  /// Suspends until sequence() > seen, and gives it. Returns at once when that is so already.
  Task<std::uint64_t> wait_beyond(std::uint64_t seen);

  /// A callback that runs at most once, on `executor`, as soon as sequence() > seen or the Event is destroyed. Dropping
  /// the subscription on that executor guarantees that the callback does not run afterwards.
  class Subscription {
   public:
    Subscription() = default;
    ~Subscription() { reset(); }
    Subscription(Subscription&& other) noexcept = default;
    Subscription& operator=(Subscription&& other) noexcept;
    void reset();

    struct Node;

   private:
    friend class Event;
    std::shared_ptr<Node> node_;
  };
  Subscription subscribe(std::uint64_t seen, Executor executor, std::move_only_function<void()> callback);

  struct Shared;

 private:
  static Subscription subscribe(std::shared_ptr<Shared> shared, std::uint64_t seen, Executor executor,
                                std::move_only_function<void()> callback);
  static Task<std::uint64_t> wait_on(std::shared_ptr<Shared> shared, std::uint64_t seen);
  std::shared_ptr<Shared> shared_;
};

}  // namespace postern::async
