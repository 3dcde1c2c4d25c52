// SPDX-License-Identifier: Apache-2.0
// Copies the choices.
#include "policy/authentication_options.h"

namespace postern::policy {

AuthenticationOptions options_of(const config::Authentication& config) {
  AuthenticationOptions out;
  out.spf = config.spf;
  out.spf_helo = config.spf_helo;
  out.dkim = config.dkim;
  out.arc = config.arc;
  out.dmarc = config.dmarc;
  const bool by_list = config.organization == config::Organization::public_suffix;
  out.organization = by_list ? OrganizationBy::public_suffix : OrganizationBy::tree_walk;
  for (const auto& entry : config.dmarc_overrides)
    out.overrides.push_back({entry.domain, static_cast<DmarcPolicy>(entry.policy)});
  for (const auto& entry : config.forwarders) {
    if (!entry.network) {
      out.forwarders.push_back(entry.domain);
    } else if (const auto network = IpNetwork::parse(entry.network->to_string())) {
      out.forwarder_networks.push_back(*network);
    }
  }
  for (const auto& entry : config.trusted_sealers) out.trusted_sealers.push_back(entry.name);
  out.queries = config.questions;
  return out;
}

}  // namespace postern::policy
