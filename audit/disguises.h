// SPDX-License-Identifier: Apache-2.0
// Ways in which people have made servers relay: arguments of RCPT that name a mailbox elsewhere, or that a careless parser might
// take for one. Each must be refused by a server that knows neither the domain nor the login.
#pragma once

#include <string>
#include <vector>

namespace postern::audit {

/// The server's own side of the table.
struct OwnNames {
  std::string domain;    ///< one of its domains
  std::string hostname;  ///< its host name
  std::string ip;        ///< its address
};

/// "TO:<victim%elsewhere.example@example.org>"; at least 100, all different. `elsewhere.example` belongs to nobody (RFC 2606).
std::vector<std::string> relay_disguises(const OwnNames& own);

}  // namespace postern::audit
