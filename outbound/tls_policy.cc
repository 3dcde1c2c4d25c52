// SPDX-License-Identifier: Apache-2.0
#include "outbound/tls_policy.h"

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

// `required` at an MX means encryption whatever the certificate says: the name of an MX comes from DNS, and few have a
// certificate that proves it. The smart host's name comes from the admin and is proven.
async::Task<TlsDemand> tls_demand(Hop hop, bool require_tls, std::shared_ptr<const config::Config> config) {
  TlsDemand demand;
  demand.peer.host = hop.name;
  const bool inward = hop.relay && !hop.relay->host.empty();
  demand.level = level_of(inward ? hop.relay->tls : hop.smart_host ? config->outbound.smart_host_tls : config->outbound.tls);
  const bool proven = (hop.smart_host || inward) && demand.level == TlsDemand::Level::required;
  if (proven || require_tls) {
    demand.level = TlsDemand::Level::required;
    demand.peer.trust = net::TlsTrust::verified;
  }
  co_return demand;
}

std::string to_string(const TlsDemand& demand) {
  switch (demand.level) {
    case TlsDemand::Level::off: return "off";
    case TlsDemand::Level::opportunistic: return "opportunistic";
    case TlsDemand::Level::required: break;
  }
  return demand.peer.trust == net::TlsTrust::opportunistic ? "required" : "verified";
}

}  // namespace postern::outbound
