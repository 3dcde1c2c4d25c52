// SPDX-License-Identifier: Apache-2.0
// The admin's orders that must not cross a delivery, and mail that goes at once when a route is back.
#include "queue/runner_state.h"

namespace postern::queue {

namespace {

constexpr std::size_t most_entries = 10'000;  ///< of one order
/// RFC 3463 §3.5: X.4.x is the network or the routing, so that what waits for one of these waits for the route.
constexpr std::string_view route_trouble = "4.4.";
constexpr seconds flush_pause{60};           ///< between two flushes of one domain
constexpr std::size_t most_flushed = 1'000;  ///< domains that are remembered

mail::Outcome given_up(const std::string& reason) {
  mail::Outcome out;
  out.kind = mail::Outcome::Kind::failed;
  out.enhanced = {5, 0, 0};
  out.text = "given up by the administrator";
  if (!reason.empty()) out.text += ": " + reason;
  return out;
}

}  // namespace

async::Task<Result<std::vector<Runner::State::Kept>>> Runner::State::keep(store::QueueFilter filter, Ordered& counted) {
  filter.most = most_entries;
  auto entries = co_await parts.queue.list(std::move(filter));
  if (!entries) co_return std::unexpected(entries.error());
  counted.more = entries->size() == most_entries;
  std::vector<Kept> out;
  for (auto& entry : *entries) {
    std::vector<store::QueueRecipient> ours;
    for (auto& one : entry.recipients) {
      if (one.state == store::QueueRecipient::State::done) continue;
      if (backlog.keep_out(one.id)) {
        ours.push_back(std::move(one));
      } else {
        ++counted.under_way;
      }
    }
    entry.recipients = std::move(ours);
    if (!entry.recipients.empty()) out.emplace_back(shared_from_this(), std::move(entry));
  }
  co_return out;
}

async::Task<Result<Ordered>> Runner::fail(store::QueueFilter filter, std::string reason) {
  const auto state = state_;
  Ordered out;
  const auto kept = co_await state->keep(std::move(filter), out);
  if (!kept) co_return std::unexpected(kept.error());
  for (const auto& one : *kept) {
    const auto count = one.entry.recipients.size();
    out.recipients += count;
    if (!may_tell_sender(one.entry)) out.untold += count;
    co_await state->record(store::Claim{one.entry}, std::vector<mail::Outcome>(count, given_up(reason)));
  }
  co_return out;
}

async::Task<Result<std::size_t>> Runner::retry(store::QueueFilter filter) {
  const auto state = state_;
  state->parts.courier.forget_failures();
  filter.most = SIZE_MAX;
  co_return co_await state->parts.queue.order(std::move(filter), store::QueueOrder::retry_now);
}

async::Task<Result<Ordered>> Runner::move(store::QueueFilter filter, Mover& mover) {
  const auto state = state_;
  Ordered out;
  const auto kept = co_await state->keep(std::move(filter), out);
  if (!kept) co_return std::unexpected(kept.error());
  for (const auto& one : *kept) {
    if (auto moved = co_await mover.move(one.entry); !moved) co_return std::unexpected(moved.error());
    std::vector<store::Attempt> gone;
    for (const auto& recipient : one.entry.recipients) {
      gone.push_back({recipient.id, store::Attempt::Result::done, 0, recipient.delay_told, "redirected"});
    }
    out.recipients += gone.size();
    co_await state->report(std::move(gone));
  }
  co_return out;
}

/// After a success where the route had failed before: what waits for the same route goes now, not at the end of its pause.
async::Task<> Runner::State::flush_routes(const store::Claim& claim, const std::vector<mail::Outcome>& outcomes) {
  const auto& recipients = claim.entry.recipients;
  bool back = false;
  for (std::size_t i = 0; i < recipients.size() && i < outcomes.size(); ++i) {
    back |= outcomes[i].kind == mail::Outcome::Kind::delivered && recipients[i].last_reply.contains(route_trouble);
  }
  if (!back) co_return;
  const auto now = Clocking::now();
  const auto& domain = recipients.front().domain;
  std::erase_if(flushed, [now](const auto& one) { return now - one.second >= flush_pause; });
  if (flushed.size() >= most_flushed || !flushed.emplace(domain, now).second) co_return;
  store::QueueFilter filter;
  filter.domain = domain;
  filter.reply = route_trouble;
  filter.most = SIZE_MAX;
  const auto touched = co_await parts.queue.order(std::move(filter), store::QueueOrder::retry_now);
  if (touched && *touched > 0) parts.log.info("queue", "route_is_back", {{"domain", domain}, {"recipients", *touched}});
}

}  // namespace postern::queue
