// SPDX-License-Identifier: Apache-2.0
#include "outbound/explain.h"

#include "config/gate.h"
#include "config/way_out.h"

namespace postern::outbound {

namespace {

std::string way_of(const config::Journey& journey, const config::Config& config) {
  if (const auto* relay = config::find_relay(config.gate->relays, journey.domain))
    return "[[relay]] match = \"" + relay->match + "\"";
  if (const auto* route = config::find_route(config.way_out->routes, journey)) {
    const auto number = static_cast<std::size_t>(route - config.way_out->routes.data()) + 1;
    return fmt::format("entry {} of [[route]]: via = \"{}\"", number, route->via.to_string());
  }
  if (!config.outbound.smart_host.empty()) return "outbound.smart_host = \"" + config.outbound.smart_host.to_string() + "\"";
  return "straight to the domain's mail servers";
}

async::Task<Explanation::Host> look_at(Router& router, PolicySources sources, Hop hop, std::string& text,
                                       std::shared_ptr<const config::Config> config) {
  Explanation::Host out{.name = hop.name, .port = hop.port};
  const auto endpoints = co_await router.endpoints(hop, config);
  if (!endpoints) out.trouble = endpoints.error().text;
  if (endpoints) {
    for (const auto& one : *endpoints) out.addresses.push_back(one.address.to_string());
  }
  auto demand = co_await tls_demand(hop, false, config);
  const auto policy = co_await find_policy(sources, hop, demand, config);
  add_policy(policy, hop, demand);
  if (policy.dane.state == DaneFinding::State::none && !policy.dane.why.empty()) demand.why += "; " + policy.dane.why;
  if (!policy.sts.enforced() && !policy.sts.why.empty()) demand.why += "; " + policy.sts.why;
  text = policy.sts.text;
  out.demand = to_string(demand);
  out.why = demand.why;
  if (!demand.trouble.empty()) out.trouble = demand.trouble;
  co_return out;
}

}  // namespace

async::Task<Explanation> explain(Router& router, PolicySources sources, config::Journey journey,
                                 std::shared_ptr<const config::Config> config) {
  Explanation out{.way = way_of(journey, *config)};
  const auto hops = co_await router.hops(std::move(journey), config);
  if (!hops) {
    out.end = hops.error().text;
    out.final = hops.error().kind == mail::Outcome::Kind::failed;
    co_return out;
  }
  for (const auto& hop : *hops) out.hosts.push_back(co_await look_at(router, sources, hop, out.policy, config));
  co_return out;
}

}  // namespace postern::outbound
