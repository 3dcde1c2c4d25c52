// SPDX-License-Identifier: Apache-2.0
#include "outbound/recipient_policy.h"

#include "config/way_out.h"

namespace postern::outbound {

async::Task<RecipientPolicy> find_policy(PolicySources sources, Hop hop, const TlsDemand& demand,
                                         std::shared_ptr<const config::Config> config) {
  RecipientPolicy out;
  const bool may_ask = demand.level != TlsDemand::Level::off && sources.resolver != nullptr;
  if (may_ask && wants_dane(demand, *config)) out.dane = co_await find_dane(*sources.resolver, hop);
  const bool open = out.dane.state == DaneFinding::State::none && is_found_by_domain(hop);
  if (!may_ask || !open || sources.sts == nullptr || !config->way_out->outbound.mta_sts) co_return out;
  out.sts = co_await sources.sts->find(hop.domain);
  co_return out;
}

void add_policy(const RecipientPolicy& policy, const Hop& hop, TlsDemand& demand) {
  add_dane(policy.dane, hop, demand);
  if (policy.dane.state == DaneFinding::State::none) add_sts(policy.sts, hop, demand);
}

}  // namespace postern::outbound
