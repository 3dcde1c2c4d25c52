// SPDX-License-Identifier: Apache-2.0
// [forwarding] Mail that aliases and accounts send on to addresses elsewhere. As in config.h, one field for each key, the
// initialisers are the defaults.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "config/route_domain.h"

namespace postern::config {

struct Forwarding {
  std::vector<RouteDomain> forbid_for;  ///< domains of ours whose mail stays in the house
  bool srs = true;
  std::string srs_domain;                      ///< empty: the domain of the address that forwards
  std::chrono::seconds srs_valid{21 * 86400};  ///< how long a notice finds its way back
  bool arc = false;                            ///< RFC 8617
  bool operator==(const Forwarding&) const = default;
};

}  // namespace postern::config
