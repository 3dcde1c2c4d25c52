// SPDX-License-Identifier: Apache-2.0
#include "policy/relay.h"

namespace postern::policy {

std::optional<RelayRoute> RelayRoute::find_for_address(const config::Gate& gate, const mail::Address& address) {
  if (gate.relays.empty()) return std::nullopt;
  const auto* entry = config::find_relay(gate.relays, address.lookup_key());
  return entry == nullptr ? std::nullopt : std::optional(RelayRoute(*entry));
}

std::optional<RelayRoute> RelayRoute::find_for_domain(const config::Gate& gate, const mail::Address& address) {
  if (gate.relays.empty() || address.domain() == nullptr) return std::nullopt;
  const auto* entry = config::find_relay(gate.relays, address.domain()->ascii());
  return entry == nullptr ? std::nullopt : std::optional(RelayRoute(*entry));
}

}  // namespace postern::policy
