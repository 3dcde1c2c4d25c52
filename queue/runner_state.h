// SPDX-License-Identifier: Apache-2.0
// What the runner is made of; private to queue/runner.cc and queue/runner_orders.cc.
#pragma once

#include <map>

#include "async/executor.h"
#include "async/task_group.h"
#include "queue/backlog.h"
#include "queue/decision.h"
#include "queue/runner.h"
#include "queue/schedule.h"

namespace postern::queue {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clocking = std::chrono::steady_clock;

struct Runner::State : std::enable_shared_from_this<Runner::State> {
  State(Parts p, async::Executor e)
      : parts(p),
        executor(std::move(e)),
        group(p.log, "queue"),
        clock_watch(p.clock),
        depth(p.metrics.gauge("postern_queue_recipients", "Recipients in the queue that are not done")),
        running(p.metrics.gauge("postern_queue_running", "Deliveries under way")),
        done(p.metrics.counter("postern_queue_attempts_total", "Attempts by result", {{"result", "done"}})),
        retried(p.metrics.counter("postern_queue_attempts_total", "Attempts by result", {{"result", "retry"}})),
        held(p.metrics.counter("postern_queue_attempts_total", "Attempts by result", {{"result", "hold"}})) {}

  using Ptr = std::shared_ptr<State>;
  /// A claim whose slot is given back when this goes.
  struct Slot {
    Slot(Ptr s, store::Claim c) : state(std::move(s)), claim(std::move(c)) {}
    Slot(Slot&&) noexcept = default;
    Slot& operator=(Slot&&) = delete;
    ~Slot() {
      if (state) state->finished(claim, answer);
    }
    Ptr state;
    store::Claim claim;
    Pace::Answer answer = Pace::Answer::nothing;
  };
  /// A decision with what a notice needs to know.
  struct Settled {
    Decision decision;
    DsnRecipient about;
  };

  void finished(const store::Claim& claim, Pace::Answer answer);
  void start_ready();
  void follow_limits();
  /// False when the store could not follow: nothing may be claimed then.
  async::Task<bool> follow_clock();
  async::Task<> claim_more();
  async::Task<> poll();
  async::Task<milliseconds> until_due();
  std::vector<Settled> decide_all(const store::Claim& claim, std::vector<mail::Outcome> outcomes) const;
  async::Task<> record(const store::Claim& claim, std::vector<mail::Outcome> outcomes);
  async::Task<> tell(const store::Claim& claim, Decision::Notice notice, std::vector<Settled>& settled);
  void after_failed_notice(const store::Claim& claim, const Error& error, Settled& one);
  async::Task<> report(std::vector<store::Attempt> attempts);
  async::Task<> recall();
  async::Task<> recall(const Taken::Note& note);
  async::Task<> purge();
  async::Task<> flush_routes(const store::Claim& claim, const std::vector<mail::Outcome>& outcomes);

  /// Recipients of one entry that nobody delivers as long as this lives.
  struct Kept {
    Kept(Ptr s, store::QueueEntry e) : state(std::move(s)), entry(std::move(e)) {}
    Kept(Kept&&) noexcept = default;
    Kept& operator=(Kept&&) = delete;
    ~Kept() {
      if (!state) return;
      for (const auto& one : entry.recipients) state->backlog.let_go(one.id);
    }
    Ptr state;
    store::QueueEntry entry;
  };
  /// The chosen recipients that are not done and not under way; those that are under way are counted.
  async::Task<Result<std::vector<Kept>>> keep(store::QueueFilter filter, Ordered& counted);

  static async::Task<> run(Ptr state);
  static async::Task<> carry(Slot slot);

  Parts parts;
  async::Executor executor;
  async::TaskGroup group;
  async::Event wake;  ///< something may be startable or claimable
  Backlog backlog;
  ClockWatch clock_watch;
  std::optional<seconds> jump_left;                     ///< of the wall clock, that the stored times do not follow yet
  bool more = true;                                     ///< the queue may hold due recipients that are not claimed
  bool store_failed = false;                            ///< the last claim was refused
  std::size_t busy_at_claim = 0;                        ///< domains left out of the last claim
  std::map<std::string, Clocking::time_point> flushed;  ///< when a domain's waiting mail was last sent at once
  Gauge depth;
  Gauge running;
  Counter done;
  Counter retried;
  Counter held;
};

}  // namespace postern::queue
