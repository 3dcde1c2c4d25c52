// SPDX-License-Identifier: Apache-2.0
#include "outbound/tls_policy.h"

#include "config/gate.h"
#include "config/way_out.h"

namespace postern::outbound {

namespace {

TlsDemand::Level level_of(config::TlsUse use) {
  switch (use) {
    case config::TlsUse::off: return TlsDemand::Level::off;
    case config::TlsUse::required: return TlsDemand::Level::required;
    case config::TlsUse::opportunistic: break;
  }
  return TlsDemand::Level::opportunistic;
}

}  // namespace

namespace {

/// What the configuration says about the host, and where.
struct Said {
  TlsDemand::Level level = TlsDemand::Level::opportunistic;
  bool proven = false;  ///< the certificate must prove the name
  std::string where;
};

// `required` at an MX means encryption whatever the certificate says: the name of an MX comes from DNS, and few have a
// certificate that proves it. A host that the admin has named is proven.
Said said_of(const Hop& hop, const config::Config& config) {
  using Tls = config::Route::Tls;
  using Level = TlsDemand::Level;
  if (hop.relay && !hop.relay->host.empty()) {
    const auto level = level_of(hop.relay->tls);
    return {level, level == Level::required, "[[relay]] tls"};
  }
  const auto tls = hop.route && !hop.fallback ? hop.route->tls : Tls::usual;
  switch (tls) {
    case Tls::off: return {Level::off, false, "[[route]] tls"};
    case Tls::opportunistic: return {Level::opportunistic, false, "[[route]] tls"};
    case Tls::required: return {Level::required, false, "[[route]] tls"};
    case Tls::verified: return {Level::required, true, "[[route]] tls"};
    case Tls::usual: break;
  }
  const bool named = hop.smart_host || hop.chosen;
  const auto level = level_of(named ? config.outbound.smart_host_tls : config.outbound.tls);
  return {level, named && level == Level::required, named ? "outbound.smart_host_tls" : "outbound.tls"};
}

}  // namespace

async::Task<TlsDemand> tls_demand(Hop hop, bool require_tls, std::shared_ptr<const config::Config> config) {
  const auto said = said_of(hop, *config);
  TlsDemand demand;
  demand.peer.host = hop.name;
  demand.level = said.level;
  demand.why = said.where;
  if (require_tls) {
    demand.level = TlsDemand::Level::required;
    demand.why = "REQUIRETLS of the message";
  }
  if (said.proven || require_tls) demand.peer.trust = net::TlsTrust::verified;
  if (hop.route && !hop.fallback) {
    for (const auto& name : hop.route->names) demand.peer.more_names.push_back(name.text);
  }
  demand.mx_proven = hop.secure || !is_found_by_domain(hop);
  co_return demand;
}

bool is_found_by_domain(const Hop& hop) {
  return !hop.address && !hop.smart_host && !hop.chosen && !(hop.relay && !hop.relay->host.empty()) && !hop.domain.empty();
}

bool wants_dane(const TlsDemand& demand, const config::Config& config) {
  return config.way_out->outbound.dane && demand.level != TlsDemand::Level::off;
}

std::string to_string(const TlsDemand& demand) {
  switch (demand.level) {
    case TlsDemand::Level::off: return "off";
    case TlsDemand::Level::opportunistic: return "opportunistic";
    case TlsDemand::Level::required: break;
  }
  if (demand.peer.trust == net::TlsTrust::dane) return "dane";
  return demand.peer.trust == net::TlsTrust::opportunistic ? "required" : "verified";
}

}  // namespace postern::outbound
