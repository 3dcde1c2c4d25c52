// SPDX-License-Identifier: Apache-2.0
// RelayRoute: the proof that the configuration tells us to hand on this recipient's mail ([[relay]]); one of the ways mail may
// leave without a login (design.md §3.3). Only find_for() makes one.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "async/task.h"
#include "config/gate.h"
#include "mail/address.h"
#include "policy/evidence.h"

namespace postern::policy {

class RelayRoute {
 public:
  /// An entry for exactly this address.
  static std::optional<RelayRoute> find_for_address(const config::Gate& gate, const mail::Address& address);
  /// An entry for its domain: for mail of a domain that is not ours, or for recipients of ours who are not here.
  static std::optional<RelayRoute> find_for_domain(const config::Gate& gate, const mail::Address& address);
  const config::Relay& relay() const { return relay_; }

 private:
  explicit RelayRoute(config::Relay relay) : relay_(std::move(relay)) {}
  config::Relay relay_;
};

/// Asks the server behind us whether it takes mail for an address. Thread-safe.
class Callout {
 public:
  virtual ~Callout() = default;
  /// yes, no (refused for good), or unsure (not reachable, or refused for now). Answers are remembered for a while.
  virtual async::Task<Answer> ask(config::Relay relay, mail::Address recipient) = 0;
};

}  // namespace postern::policy
