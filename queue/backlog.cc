// SPDX-License-Identifier: Apache-2.0
// Turns go around the domains in the order of their names, starting behind the one that had the last turn.
#include "queue/backlog.h"

namespace postern::queue {

bool Backlog::add(store::Claim claim) {
  std::erase_if(claim.entry.recipients, [this](const store::QueueRecipient& one) { return !held_.insert(one.id).second; });
  if (claim.entry.recipients.empty()) return false;
  auto& domain = domains_[claim.entry.recipients.front().domain];
  domain.waiting.push_back(std::move(claim));
  ++parked_;
  return true;
}

bool Backlog::keep_out(store::QueueRecipientId recipient) {
  if (held_.insert(recipient).second) return true;
  for (auto at = domains_.begin(); at != domains_.end(); ++at) {
    auto& waiting = at->second.waiting;
    for (auto claim = waiting.begin(); claim != waiting.end(); ++claim) {
      auto& recipients = claim->entry.recipients;
      if (std::erase_if(recipients, [recipient](const auto& one) { return one.id == recipient; }) == 0) continue;
      if (!recipients.empty()) return true;
      waiting.erase(claim);
      --parked_;
      if (at->second.running == 0 && waiting.empty()) domains_.erase(at);
      return true;
    }
  }
  return false;
}

std::optional<store::Claim> Backlog::start() {
  if (running_ >= limits_.total || parked_ == 0) return std::nullopt;
  auto at = domains_.upper_bound(turn_);
  for (std::size_t looked = 0; looked < domains_.size(); ++looked, ++at) {
    if (at == domains_.end()) at = domains_.begin();
    auto& [name, domain] = *at;
    if (!can_start(name, domain)) continue;
    store::Claim claim = std::move(domain.waiting.front());
    domain.waiting.pop_front();
    ++domain.running;
    --parked_;
    ++running_;
    turn_ = name;
    return claim;
  }
  return std::nullopt;
}

void Backlog::finish(const store::Claim& claim, Pace::Answer answer) {
  for (const auto& one : claim.entry.recipients) held_.erase(one.id);
  --running_;
  const auto at = domains_.find(claim.entry.recipients.front().domain);
  --at->second.running;
  pace_.learn(at->first, answer, at->second.running, limits_.per_domain);
  if (at->second.running == 0 && at->second.waiting.empty()) domains_.erase(at);
}

std::vector<std::string> Backlog::busy() const {
  std::vector<std::string> names;
  for (const auto& [name, domain] : domains_) {
    if (domain.waiting.size() >= max_parked) names.push_back(name);
  }
  return names;
}

}  // namespace postern::queue
