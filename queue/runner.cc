// SPDX-License-Identifier: Apache-2.0
// One loop that claims and starts, one coroutine for each delivery under way. What a delivery does, in order:
// courier → durable report of all that needs no notice → notice → durable report of the rest. A power cut after the other
// server's reply and before the report makes that message be sent again, which SMTP permits and nothing can avoid (RFC 1047);
// after the end of the process alone the notes of taken.h say what was taken.
#include "queue/runner.h"

#include "async/deadline.h"
#include "base/random.h"
#include "queue/runner_state.h"
#include "queue/tracing.h"
#include "store/queue_clock.h"

namespace postern::queue {

namespace {

/// A claim is ours for so long: longer than any wait in the backlog of a busy domain and one delivery together. What we hold
/// when it runs out all the same is not taken twice (Backlog::add).
constexpr std::chrono::minutes lease{60};
constexpr std::size_t claim_batch = 200;         ///< recipients asked for at once
constexpr seconds longest_sleep{60};             ///< between two looks at the queue: bounds what a clock jump can delay
constexpr seconds after_store_error{5};          ///< before the queue is asked again
constexpr milliseconds first_report_pause{100};  ///< before a failed report is repeated; doubled up to the next one
constexpr milliseconds longest_report_pause{30'000};
/// The first purge after the start: a clock that was wrong at the start has been set by then.
constexpr std::chrono::hours first_purge{6};
constexpr std::chrono::hours purge_every{1};
constexpr std::size_t purge_batch = 10'000;  ///< entries looked at in one purge

Dsn::Action action_of(Decision::Notice notice) {
  switch (notice) {
    case Decision::Notice::delayed: return Dsn::Action::delayed;
    case Decision::Notice::relayed: return Dsn::Action::relayed;
    default: return Dsn::Action::failed;
  }
}

std::string_view word_for(Decision::Notice notice) {
  switch (notice) {
    case Decision::Notice::delayed: return "delayed";
    case Decision::Notice::relayed: return "relayed";
    default: return "failed";
  }
}

std::size_t recipients_in(const std::vector<store::Claim>& claims) {
  std::size_t sum = 0;
  for (const auto& claim : claims) sum += claim.entry.recipients.size();
  return sum;
}

mail::Outcome no_answer() {
  mail::Outcome outcome;
  outcome.enhanced = mail::status::local_error.enhanced;
  outcome.text = "internal error while the message was carried; it will be tried again";
  return outcome;
}

}  // namespace

void Runner::State::finished(const store::Claim& claim, Pace::Answer answer) {
  backlog.finish(claim, answer);
  if (busy_at_claim > 0 && backlog.busy().size() < busy_at_claim) more = true;
  wake.publish();
}

void Runner::State::start_ready() {
  while (auto claim = backlog.start()) {
    if (!group.spawn(executor, carry(Slot(shared_from_this(), std::move(*claim))))) return;
  }
}

void Runner::State::follow_limits() {
  const auto config = parts.config.get();
  backlog.set_limits({std::max<std::size_t>(config->queue.concurrency, 1), std::max<std::size_t>(config->queue.per_domain, 1)});
}

// security.md D108: pauses between attempts end, so that nothing waits for a time that has moved away; what must not come early
// moves along (store/queue_clock.h).
async::Task<bool> Runner::State::follow_clock() {
  const auto seen = parts.clock.unix_now();
  auto* const times = store::QueueClock::of(parts.queue);
  if (const auto jump = clock_watch.look()) {
    parts.log.warning("queue", "clock_jumped", {{"seconds", jump->count()}});
    jump_left = jump_left.value_or(seconds(0)) + *jump;
    more = true;
  }
  if (times != nullptr && !jump_left) times->trust_until(seen);
  if (!jump_left) co_return true;
  const seconds by = *jump_left;
  if (times != nullptr) {
    if (const auto moved = co_await times->follow(by, undeliverable_kept); !moved) {
      parts.log.error("queue", "times_after_jump", {{"text", moved.error().text}});
      co_return false;
    }
    times->trust_until(seen);
  }
  jump_left.reset();
  if (by > seconds(0)) co_return true;
  store::QueueFilter all;
  all.most = SIZE_MAX;
  const auto touched = co_await parts.queue.order(all, store::QueueOrder::retry_now);
  if (!touched) parts.log.error("queue", "retry_after_jump", {{"text", touched.error().text}});
  co_return true;
}

async::Task<> Runner::State::claim_more() {
  while (more && backlog.has_room() && !group.stopping()) {
    store_failed = !co_await follow_clock();
    if (store_failed) co_return;
    auto busy = backlog.busy();
    busy_at_claim = busy.size();
    more = false;  // an event that comes while we wait sets it again
    auto claims = co_await parts.queue.claim(claim_batch, lease, std::move(busy));
    store_failed = !claims.has_value();
    if (store_failed) {
      parts.log.error("queue", "claim", {{"text", claims.error().text}});
      more = true;
      co_return;
    }
    if (recipients_in(*claims) >= claim_batch) more = true;
    bool fresh = false;
    for (auto& claim : *claims) fresh |= backlog.add(std::move(claim));
    start_ready();
    if (!fresh) co_return;
  }
}

async::Task<> Runner::State::poll() {
  follow_limits();
  if (!co_await follow_clock()) more = true;
  start_ready();
  co_await claim_more();
  depth.set(static_cast<double>(parts.queue.depth()));
  running.set(static_cast<double>(backlog.running()));
}

async::Task<milliseconds> Runner::State::until_due() {
  if (store_failed) co_return after_store_error;
  const auto due = co_await parts.queue.next_due();
  if (!due) co_return after_store_error;
  if (!*due) co_return longest_sleep;
  const auto wait = seconds(**due - parts.clock.unix_now());
  // What is due already and was not claimed waits for a slot, whose end wakes us; a lease may hide it as well.
  if (wait <= seconds(0)) co_return after_store_error;
  co_return std::min<milliseconds>(wait, longest_sleep);
}

async::Task<> Runner::State::run(Ptr state) {
  async::Deadline timer(state->executor, [raw = state.get()] {
    raw->more = true;
    raw->wake.publish();
  });
  Clocking::time_point purge_at = Clocking::now() + first_purge;
  co_await state->recall();
  while (!state->group.stopping()) {
    const auto woken = state->wake.sequence();
    const auto queued = state->parts.queue.event().sequence();
    co_await state->poll();
    if (Clocking::now() >= purge_at) {
      purge_at = Clocking::now() + purge_every;
      co_await state->purge();
    }
    const auto subscription = state->parts.queue.event().subscribe(queued, state->executor, [raw = state.get()] {
      raw->more = true;
      raw->wake.publish();
    });
    // While everything claimed is under way and nothing more is known, the time of the next retry is what matters.
    if (!state->more || state->store_failed) timer.set(Clocking::now() + co_await state->until_due());
    co_await state->wake.wait_beyond(woken);
  }
}

async::Task<> Runner::State::carry(Slot slot) {
  State& self = *slot.state;
  std::vector<mail::Outcome> outcomes;
  try {
    outcomes = co_await self.parts.courier.deliver(slot.claim);
  } catch (const std::exception& error) {
    if (self.group.stopping()) throw;
    self.parts.log.error("queue", "courier_threw", {{"entry", slot.claim.entry.id}, {"text", error.what()}});
  }
  outcomes.resize(slot.claim.entry.recipients.size(), no_answer());
  slot.answer = Pace::answer_of(outcomes);
  co_await self.flush_routes(slot.claim, outcomes);
  co_await self.record(slot.claim, std::move(outcomes));
}

std::vector<Runner::State::Settled> Runner::State::decide_all(const store::Claim& claim,
                                                              std::vector<mail::Outcome> outcomes) const {
  const auto config = parts.config.get();
  const Schedule schedule(config->queue);
  const UnixTime now = parts.clock.unix_now();
  std::vector<Settled> settled;
  settled.reserve(outcomes.size());
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const auto& recipient = claim.entry.recipients[i];
    Decision decision = decide(claim.entry, recipient, outcomes[i], schedule, {now, random::below(1000)});
    const bool expired = decision.expired;
    trace_attempt(parts.trace, parts.clock, {claim.entry, recipient, outcomes[i], decision.attempt});
    settled.push_back({std::move(decision), {recipient.recipient, std::move(outcomes[i]), expired}});
  }
  return settled;
}

async::Task<> Runner::State::record(const store::Claim& claim, std::vector<mail::Outcome> outcomes) {
  auto settled = decide_all(claim, std::move(outcomes));
  std::vector<store::Attempt> plain;
  std::vector<store::Attempt> told;
  for (const auto& one : settled) {
    if (one.decision.notice == Decision::Notice::none) plain.push_back(one.decision.attempt);
  }
  if (!plain.empty()) co_await report(std::move(plain));
  for (const auto notice : {Decision::Notice::failed, Decision::Notice::delayed, Decision::Notice::relayed}) {
    co_await tell(claim, notice, settled);
  }
  for (const auto& one : settled) {
    if (one.decision.notice != Decision::Notice::none) told.push_back(one.decision.attempt);
  }
  if (!told.empty()) co_await report(std::move(told));
}

async::Task<> Runner::State::tell(const store::Claim& claim, Decision::Notice notice, std::vector<Settled>& settled) {
  std::vector<DsnRecipient> about;
  for (const auto& one : settled) {
    if (one.decision.notice == notice) about.push_back(one.about);
  }
  if (about.empty()) co_return;
  const auto sent = co_await parts.bouncer.notify(claim.entry, action_of(notice), std::move(about));
  trace_notice(parts.trace, parts.clock, claim.entry, word_for(notice), sent ? std::string() : sent.error().text);
  if (sent) co_return;
  parts.log.warning("queue", "no_notice", {{"entry", claim.entry.id}, {"text", sent.error().text}});
  for (auto& one : settled) {
    if (one.decision.notice == notice) after_failed_notice(claim, sent.error(), one);
  }
}

/// A failure that could not be told: held when the sender cannot be told at all, tried again when only now. A delay notice is
/// tried again at the next attempt; a success report is given up.
void Runner::State::after_failed_notice(const store::Claim& claim, const Error& error, Settled& one) {
  auto& attempt = one.decision.attempt;
  if (one.decision.notice == Decision::Notice::delayed) attempt.delay_told = false;
  if (one.decision.notice != Decision::Notice::failed) return;
  const auto config = parts.config.get();
  if (is_temporary(error.kind) && error.kind != ErrorKind::over_quota) {
    attempt.result = store::Attempt::Result::retry;
    attempt.next_at = parts.clock.unix_now() + Schedule(config->queue).pause(1).count();
    return;
  }
  attempt.result = store::Attempt::Result::hold;
  attempt.next_at = parts.clock.unix_now() + seconds(undeliverable_kept).count();
  attempt.reply = fmt::format("{}{} (entry of {})", undeliverable_mark, attempt.reply, mail::to_string(claim.entry.sender));
}

async::Task<> Runner::State::report(std::vector<store::Attempt> attempts) {
  milliseconds pause = first_report_pause;
  for (;;) {
    const auto stored = co_await parts.queue.report(attempts);
    if (stored) break;
    parts.log.error("queue", "report", {{"recipients", attempts.size()}, {"text", stored.error().text}});
    if (group.stopping()) co_return;  // the lease brings them back: sent again rather than lost
    co_await async::sleep(pause);
    pause = std::min(pause * 2, longest_report_pause);
  }
  for (const auto& one : attempts) {
    if (parts.taken != nullptr) parts.taken->settle(one.recipient);
    if (one.result == store::Attempt::Result::done) done.add();
    if (one.result == store::Attempt::Result::retry) retried.add();
    if (one.result == store::Attempt::Result::hold) held.add();
  }
}

async::Task<> Runner::State::recall(const Taken::Note& note) {
  store::QueueFilter filter;
  filter.id = note.entry;
  const auto entries = co_await parts.queue.list(filter);
  if (!entries || entries->empty()) co_return;
  store::Claim claim{entries->front()};
  std::erase_if(claim.entry.recipients, [&](const auto& one) {
    return one.state == store::QueueRecipient::State::done || !Taken::speaks_for(note, claim.entry, one);
  });
  if (claim.entry.recipients.empty()) co_return;
  mail::Outcome outcome;
  outcome.kind = mail::Outcome::Kind::delivered;
  outcome.enhanced = {2, 0, 0};
  outcome.text = "taken before the restart";
  outcome.dsn_passed = note.dsn_passed;
  parts.log.info("queue", "taken_before",
                 {{"entry", note.entry}, {"to", claim.entry.recipients.front().recipient.address.to_string()}});
  co_await record(claim, {std::move(outcome)});
}

async::Task<> Runner::State::recall() {
  if (parts.taken == nullptr) co_return;
  for (const auto& note : parts.taken->take_left()) {
    co_await recall(note);
    parts.taken->settle(note.recipient);
  }
}

async::Task<> Runner::State::purge() {
  store::QueueFilter filter;
  filter.most = purge_batch;
  const auto entries = co_await parts.queue.list(filter);
  if (!entries) co_return;
  const UnixTime now = parts.clock.unix_now();
  std::vector<store::Attempt> gone;
  for (const auto& entry : *entries) {
    for (const auto& one : entry.recipients) {
      if (one.state != store::QueueRecipient::State::held || !one.last_reply.starts_with(undeliverable_mark)) continue;
      // Older programs left the time of the last attempt in next_at of what they held.
      if (now < std::max(one.next_at, entry.created + seconds(undeliverable_kept).count())) continue;
      gone.push_back({one.id, store::Attempt::Result::done, 0, one.delay_told, one.last_reply});
      parts.log.info("queue", "purged", {{"entry", entry.id}, {"to", one.recipient.address.to_string()}});
    }
  }
  if (!gone.empty()) co_await report(std::move(gone));
}

Runner::Runner(Parts parts, async::Executor executor) : state_(std::make_shared<State>(parts, std::move(executor))) {}

Runner::~Runner() {
  state_->group.request_stop();
  state_->group.cancel();
}

void Runner::start() {
  state_->group.spawn(state_->executor, State::run(state_), [raw = state_.get()] { raw->wake.publish(); });
}

async::Task<bool> Runner::stop(milliseconds limit) {
  state_->group.request_stop();
  const bool ended = co_await state_->group.wait(limit);
  if (!ended) state_->group.cancel();
  co_return ended;
}

async::Task<> Runner::poll() {
  state_->more = true;
  co_await state_->poll();
}

async::Task<> Runner::settle() {
  for (auto seen = state_->wake.sequence(); state_->backlog.running() > 0;) seen = co_await state_->wake.wait_beyond(seen);
}

async::Task<> Runner::recall() { co_await state_->recall(); }

async::Task<> Runner::purge() { co_await state_->purge(); }

}  // namespace postern::queue
