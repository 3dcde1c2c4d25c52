// SPDX-License-Identifier: Apache-2.0
// Backlog: claims that are leased to us and wait for a free slot, and the slots in use. Plain data without I/O.
//
// Fairness: domains take turns, each has at most per_domain deliveries under way, fewer while Pace has not learnt that it bears
// so many (queue/pace.h), and at most max_parked claims waiting; a
// domain that is full is named in busy(), so that the next claim fetches others. So a slow domain can fill only its own slots.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "queue/pace.h"
#include "store/store.h"

namespace postern::queue {

class Backlog {
 public:
  /// Claims of one domain that wait in memory.
  static constexpr std::size_t max_parked = 64;
  /// Claims of all domains that wait in memory; reached only when very many domains are slow at once.
  static constexpr std::size_t max_parked_total = 10'000;

  struct Limits {
    std::size_t total = 100;      ///< deliveries at once
    std::size_t per_domain = 10;  ///< of them to one domain
  };
  /// New limits count from the next start on.
  void set_limits(Limits limits) { limits_ = limits; }

  /// Takes a claim in. Recipients that are in our hands already (their lease ran out meanwhile) are left out; false when none
  /// is left.
  bool add(store::Claim claim);
  /// The next claim that may start now, its slot taken; nothing when all that wait must wait on.
  std::optional<store::Claim> start();
  /// Gives the slot of a started claim back.
  void finish(const store::Claim& claim, Pace::Answer answer = Pace::Answer::nothing);

  /// Keeps a recipient out of deliveries until let_go(): it is taken back when it waits here, and not taken in when it is
  /// claimed. False when it is being delivered, or kept already.
  bool keep_out(store::QueueRecipientId recipient);
  void let_go(store::QueueRecipientId recipient) { held_.erase(recipient); }

  /// Domains that have enough to do.
  std::vector<std::string> busy() const;
  /// True when it makes sense to claim more: after start() gave nothing, a slot is free.
  bool has_room() const { return running_ < limits_.total && parked_ < max_parked_total; }
  std::size_t running() const { return running_; }
  std::size_t parked() const { return parked_; }

 private:
  struct Domain {
    std::deque<store::Claim> waiting;
    std::size_t running = 0;
  };
  bool can_start(const std::string& name, const Domain& domain) const {
    return !domain.waiting.empty() && domain.running < pace_.limit(name, limits_.per_domain);
  }

  Limits limits_;
  Pace pace_;
  std::map<std::string, Domain> domains_;
  std::string turn_;  ///< the domain that started last
  std::set<store::QueueRecipientId> held_;
  std::size_t running_ = 0;
  std::size_t parked_ = 0;
};

}  // namespace postern::queue
