// SPDX-License-Identifier: Apache-2.0
// Runner: moves the queue. It claims what is due, hands it to the courier within the limits of [queue], records each outcome
// durably as soon as the courier returns, and has the sender told where decision.h says so.
//
// Invariants: a recipient is in the courier's hands at most once at a time; the slot of a domain is kept until the outcome
// is durable, so at most per_domain messages to one domain can be sent twice by a power cut; what a killed process knew to be
// taken elsewhere (taken.h) is recorded before anything is claimed; a report that fails is repeated until the store takes it.
// The runner lives on one executor.
#pragma once

#include <chrono>
#include <memory>

#include "async/task.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "config/live.h"
#include "queue/bounce.h"
#include "queue/courier.h"
#include "queue/mover.h"
#include "queue/taken.h"
#include "store/store.h"

namespace postern::store {
class TraceBook;
}

namespace postern::queue {

/// What came of an order.
struct Ordered {
  std::size_t recipients = 0;  ///< that left the queue, or stay as undeliverable
  std::size_t untold = 0;      ///< of them, whose sender may not be told: they are kept as undeliverable
  std::size_t under_way = 0;   ///< not touched, because they are being delivered
  bool more = false;           ///< the choice was larger than one order
};

class Runner {
 public:
  struct Parts {
    store::Queue& queue;
    Courier& courier;
    Bouncer& bouncer;
    config::Live& config;
    Clock& clock;
    Log& log;
    Metrics& metrics;
    Taken* taken = nullptr;             ///< notes of what was taken elsewhere; null: none are kept
    store::TraceBook* trace = nullptr;  ///< null: attempts are not traced
  };
  Runner(Parts parts, async::Executor executor);
  ~Runner();

  /// Begins to work; returns at once.
  void start();
  /// Takes nothing new, waits for deliveries under way; false when the limit passed first (they were cancelled then, and their
  /// leases run out or end with the process).
  async::Task<bool> stop(std::chrono::milliseconds limit);

  /// Records what an earlier process had noted as taken; start() does it first.
  async::Task<> recall();
  /// One pass: claims and starts what is due and fits. start() does this again and again; tests call it themselves, on the
  /// runner's executor.
  async::Task<> poll();
  /// Makes recipients due now, and hosts that rest after a failure are asked again. How many are due.
  async::Task<Result<std::size_t>> retry(store::QueueFilter filter);
  /// Gives recipients up as if the other side had refused them for good: the sender is told where it may be. What is being
  /// delivered is left alone. Both on the runner's executor.
  async::Task<Result<Ordered>> fail(store::QueueFilter filter, std::string reason);
  /// Has them moved elsewhere, entry by entry; the first error ends it, what was moved stays so.
  async::Task<Result<Ordered>> move(store::QueueFilter filter, Mover& mover);
  /// Waits until no delivery is under way.
  async::Task<> settle();
  /// Removes recipients that were held as undeliverable for 14 days; start() does it every hour.
  async::Task<> purge();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace postern::queue
