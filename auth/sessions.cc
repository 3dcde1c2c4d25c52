// SPDX-License-Identifier: Apache-2.0
// One mutex over a table of raw pointers: a ticket takes itself out before it goes.
#include "auth/sessions.h"

#include <mutex>
#include <unordered_map>
#include <unordered_set>

namespace postern::auth {

struct SessionTicket::Registry {
  mutable std::mutex mutex;
  std::unordered_map<mail::AccountId, std::unordered_set<SessionTicket*>> tickets;
  std::unordered_map<mail::AccountId, std::uint64_t> revisions;  ///< of accounts that changed since the start

  std::uint64_t revision(mail::AccountId account) const {
    const auto at = revisions.find(account);
    return at == revisions.end() ? 0 : at->second;
  }
};

SessionTicket::SessionTicket(std::shared_ptr<Registry> registry, mail::AccountId account, store::CredentialId credential,
                             UnixTime expires)
    : registry_(std::move(registry)), account_(account), credential_(credential), expires_(expires) {}

SessionTicket::~SessionTicket() {
  const std::lock_guard lock(registry_->mutex);
  const auto at = registry_->tickets.find(account_);
  if (at == registry_->tickets.end()) return;
  at->second.erase(this);
  if (at->second.empty()) registry_->tickets.erase(at);
}

void SessionTicket::on_end(async::Executor executor, std::move_only_function<void()> end) {
  subscription_ = event_.subscribe(0, executor, std::move(end));
}

void SessionTicket::end() {
  over_ = true;
  event_.publish();
}

Sessions::Sessions() : registry_(std::make_shared<SessionTicket::Registry>()) {}
Sessions::~Sessions() = default;

std::uint64_t Sessions::revision(mail::AccountId account) const {
  const std::lock_guard lock(registry_->mutex);
  return registry_->revision(account);
}

std::shared_ptr<SessionTicket> Sessions::open(mail::AccountId account, const store::CredentialRow& credential,
                                              std::uint64_t revision) {
  auto ticket = std::make_shared<SessionTicket>(registry_, account, credential.id, credential.expires);
  const std::lock_guard lock(registry_->mutex);
  registry_->tickets[account].insert(ticket.get());
  if (registry_->revision(account) != revision) ticket->end();
  return ticket;
}

std::size_t Sessions::end(mail::AccountId account, std::optional<store::CredentialId> credential) {
  const std::lock_guard lock(registry_->mutex);
  ++registry_->revisions[account];
  const auto at = registry_->tickets.find(account);
  if (at == registry_->tickets.end()) return 0;
  std::size_t ended = 0;
  for (auto* ticket : at->second) {
    if (ticket->is_over() || (credential && ticket->credential_ != *credential)) continue;
    ticket->end();
    ++ended;
  }
  return ended;
}

std::size_t Sessions::end_expired(UnixTime now) {
  const std::lock_guard lock(registry_->mutex);
  std::size_t ended = 0;
  for (const auto& [account, tickets] : registry_->tickets) {
    for (auto* ticket : tickets) {
      if (ticket->is_over() || ticket->expires_ == 0 || now < ticket->expires_) continue;
      ticket->end();
      ++ended;
    }
  }
  return ended;
}

std::vector<mail::AccountId> Sessions::accounts() const {
  const std::lock_guard lock(registry_->mutex);
  std::vector<mail::AccountId> out;
  for (const auto& [id, tickets] : registry_->tickets) out.push_back(id);
  return out;
}

std::size_t Sessions::count(std::optional<mail::AccountId> account) const {
  const std::lock_guard lock(registry_->mutex);
  std::size_t out = 0;
  for (const auto& [id, tickets] : registry_->tickets) {
    if (!account || id == *account) out += tickets.size();
  }
  return out;
}

}  // namespace postern::auth
