// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/core.h"

#include "store/sqlite/messages.h"

namespace postern::store::sqlite {

namespace {

/// Expunged messages that one command ends, so that it stays short.
constexpr std::size_t reap_slice = 500;
/// Ranges of vanished UIDs that one mailbox remembers for QRESYNC.
constexpr std::int64_t max_vanished_ranges = 100'000;

bool is_large(const Body& body) { return body.descriptor() >= 0 || body.size() > small_body; }

}  // namespace

Quota QuotaTable::get(AccountId account) const {
  const std::shared_lock lock(mutex_);
  const auto it = quotas_.find(account);
  return it == quotas_.end() ? Quota() : it->second;
}

bool QuotaTable::knows(AccountId account) const {
  const std::shared_lock lock(mutex_);
  return quotas_.contains(account);
}

void QuotaTable::set(AccountId account, const Quota& quota) {
  const std::unique_lock lock(mutex_);
  quotas_[account] = quota;
}

void QuotaTable::publish(const Transaction& transaction) {
  const std::unique_lock lock(mutex_);
  for (const AccountState* account : transaction.touched_accounts()) quotas_[account->id] = account->quota;
  for (const AccountId gone : transaction.gone_accounts()) quotas_.erase(gone);
}

void Core::publish(const Transaction& transaction) {
  quotas.publish(transaction);
  cache.publish(transaction);
  queue_depth += transaction.depth_change();
  if (transaction.queue_signal()) queue_event.publish();
}

bool Core::housekeep(Transaction& transaction) {
  prune_vanished(transaction, max_vanished_ranges);
  return reap_expired(transaction, clock.unix_now() - undelete_window.count(), reap_slice);
}

Task<Result<std::vector<NewBody>>> Core::prepare(std::vector<NewBody> bodies) {
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    NewBody& body = bodies[i];
    if (!is_large(*body.body)) {
      body.place.checksum = checksum(body.body->memory());
      continue;
    }
    auto job = [this, bytes = body.body, arrival = body.arrival]() { return folder.adopt(*bytes, arrival); };
    const auto place = co_await file_lane->run_plain<Placement>(std::move(job));
    if (!place) {
      for (const NewBody& before : bodies) {
        if (before.placed) folder.remove(before.place.segment);
      }
      co_return std::unexpected(place.error());
    }
    body.place = *place;
    body.placed = true;
  }
  co_return bodies;
}

}  // namespace postern::store::sqlite
