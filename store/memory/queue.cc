// SPDX-License-Identifier: Apache-2.0
// The outbound queue of the in-memory store.
#include "store/memory/queue.h"

#include <algorithm>

#include "store/queue_clock.h"
#include "store/queue_match.h"

namespace postern::store::memory {

namespace {

using RecipientState = QueueRecipient::State;

class MemoryQueue final : public Queue, public QueueClock {
 public:
  explicit MemoryQueue(std::shared_ptr<State> state) : state_(std::move(state)) {}

  Task<Result<std::vector<Claim>>> claim(std::size_t most, std::chrono::seconds lease, std::vector<std::string> busy) override {
    co_return claim_now(most, lease, busy);
  }
  Task<Result<>> report(std::vector<Attempt> attempts) override { co_return report_now(attempts); }
  Task<Result<std::unique_ptr<BodyReader>>> body(QueueId id) override { co_return body_now(id); }
  Task<Result<std::vector<QueueEntry>>> list(QueueFilter filter) override { co_return list_now(filter); }
  Task<Result<std::size_t>> order(QueueFilter filter, QueueOrder order) override { co_return order_now(filter, order); }
  Task<Result<std::size_t>> follow(std::chrono::seconds by, std::chrono::seconds kept) override {
    co_return follow_now({by, state_->clock.unix_now(), kept});
  }
  Task<Result<std::optional<UnixTime>>> next_due() override { co_return next_due_now(); }
  std::size_t depth() const override {
    const std::lock_guard lock(state_->mutex);
    std::size_t n = 0;
    for (const auto& [id, queued] : state_->queue) {
      for (const auto& rcpt : queued.entry.recipients) n += rcpt.state != RecipientState::done;
    }
    return n;
  }
  async::Event& event() override { return state_->queue_event; }

 private:
  struct Due {
    UnixTime at;
    QueueRecipientId id;
    Queued* queued;
    QueueRecipient* recipient;
  };

  static UnixTime due_at(const Queued& queued, const QueueRecipient& recipient) {
    const auto lease = queued.leased_until.find(recipient.id);
    return lease == queued.leased_until.end() ? recipient.next_at : lease->second;
  }

  std::vector<Due> due(UnixTime now) {
    std::vector<Due> out;
    for (auto& [id, queued] : state_->queue) {
      for (auto& rcpt : queued.entry.recipients) {
        if (rcpt.state == RecipientState::waiting && due_at(queued, rcpt) <= now) {
          out.push_back({due_at(queued, rcpt), rcpt.id, &queued, &rcpt});
        }
      }
    }
    std::sort(out.begin(), out.end(), [](const Due& a, const Due& b) { return std::tie(a.at, a.id) < std::tie(b.at, b.id); });
    return out;
  }

  Result<std::vector<Claim>> claim_now(std::size_t most, std::chrono::seconds lease, const std::vector<std::string>& busy) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return std::unexpected(open.error());
    const UnixTime now = state_->clock.unix_now();
    auto rows = due(std::min(now, trusted()));
    std::erase_if(rows, [&](const Due& row) { return std::find(busy.begin(), busy.end(), row.recipient->domain) != busy.end(); });
    if (rows.size() > most) rows.resize(most);
    std::vector<Claim> out;
    for (const Due& row : rows) {
      row.queued->leased_until[row.id] = now + lease.count();
      const auto same = [&](const Claim& claim) {
        return claim.entry.id == row.queued->entry.id && claim.entry.recipients.front().domain == row.recipient->domain;
      };
      auto claim = std::find_if(out.begin(), out.end(), same);
      if (claim == out.end()) {
        claim = out.insert(out.end(), Claim{row.queued->entry});
        claim->entry.recipients.clear();
      }
      claim->entry.recipients.push_back(*row.recipient);
    }
    return out;
  }

  QueueRecipient* find(QueueRecipientId id, Queued*& queued) {
    for (auto& [queue_id, one] : state_->queue) {
      for (auto& rcpt : one.entry.recipients) {
        if (rcpt.id != id) continue;
        queued = &one;
        return &rcpt;
      }
    }
    return nullptr;
  }

  /// The entry goes with its last recipient.
  void drop_done() {
    std::erase_if(state_->queue, [](const auto& item) {
      const auto& rcpts = item.second.entry.recipients;
      return std::all_of(rcpts.begin(), rcpts.end(), [](const auto& r) { return r.state == RecipientState::done; });
    });
  }

  Result<> report_now(const std::vector<Attempt>& attempts) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return open;
    for (const auto& attempt : attempts) {
      Queued* queued = nullptr;
      QueueRecipient* rcpt = find(attempt.recipient, queued);
      if (!rcpt || rcpt->state == RecipientState::done) continue;
      queued->leased_until.erase(rcpt->id);
      apply_attempt(attempt, *rcpt);
    }
    drop_done();
    return {};
  }

  Result<std::unique_ptr<BodyReader>> body_now(QueueId id) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_open(); !open) return std::unexpected(open.error());
    const auto it = state_->queue.find(id);
    if (it == state_->queue.end()) return fail(ErrorKind::not_found, "no such queue entry");
    return make_reader(it->second.content);
  }

  Result<std::vector<QueueEntry>> list_now(const QueueFilter& filter) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_open(); !open) return std::unexpected(open.error());
    std::vector<QueueEntry> out;
    for (const auto& [id, queued] : state_->queue) {
      if (out.size() == filter.most) break;
      if (!matches(filter, queued.entry)) continue;
      QueueEntry entry = queued.entry;
      std::erase_if(entry.recipients, [&](const auto& r) { return !matches(filter, r); });
      if (entry.recipients.empty()) continue;
      out.push_back(std::move(entry));
    }
    return out;
  }

  Result<std::size_t> order_now(const QueueFilter& filter, QueueOrder order) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return std::unexpected(open.error());
    std::size_t touched = 0;
    for (auto& [id, queued] : state_->queue) {
      if (!matches(filter, queued.entry)) continue;
      for (auto& rcpt : queued.entry.recipients) {
        if (!matches(filter, rcpt)) continue;
        if (touched == filter.most) break;
        touched += apply_order(order, state_->clock.unix_now(), rcpt);
      }
    }
    drop_done();
    if (touched > 0) state_->queue_event.publish();
    return touched;
  }

  Result<std::size_t> follow_now(const ClockJump& jump) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return std::unexpected(open.error());
    std::size_t moved = 0;
    for (auto& [id, queued] : state_->queue) {
      for (auto& rcpt : queued.entry.recipients) {
        const UnixTime old = rcpt.next_at;
        const auto by = follow_jump(jump, rcpt);
        if (by == 0) continue;
        ++moved;
        if (queued.entry.created != old) continue;
        queued.entry.created += by;
        queued.entry.expires += by;
      }
    }
    if (moved > 0) state_->queue_event.publish();
    return moved;
  }

  Result<std::optional<UnixTime>> next_due_now() {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_open(); !open) return std::unexpected(open.error());
    const auto rows = due(INT64_MAX);
    if (rows.empty()) return std::optional<UnixTime>();
    return std::optional(rows.front().at);
  }

  std::shared_ptr<State> state_;
};

}  // namespace

std::unique_ptr<Queue> make_queue(std::shared_ptr<State> state) { return std::make_unique<MemoryQueue>(std::move(state)); }

QueueId enqueue(State& state, QueueEntry entry, const BodyPtr& body) {
  const QueueId id = state.next_queue++;
  auto content = std::make_shared<Content>(Content{body, {}, entry.prefix});
  entry.id = id;
  entry.size = content->size();
  for (auto& rcpt : entry.recipients) rcpt.id = state.next_recipient++;
  state.queue.emplace(id, Queued{std::move(entry), std::move(content), {}});
  return id;
}

}  // namespace postern::store::memory
