// SPDX-License-Identifier: Apache-2.0
// What would happen to mail for a domain: its way, the hosts in their order, and what is demanded of TLS at each, with the
// reason. Asks DNS, and the web for an MTA-STS policy; nothing is sent.
#pragma once

#include <string>
#include <vector>

#include "async/task.h"
#include "dns/resolver.h"
#include "outbound/recipient_policy.h"
#include "outbound/route.h"

namespace postern::outbound {

struct Explanation {
  struct Host {
    std::string name;
    std::uint16_t port = 0;
    std::vector<std::string> addresses;
    std::string demand;  ///< "off", "opportunistic", "required", "verified", "dane"
    std::string why;
    std::string trouble;  ///< why it would not be used now; empty: it would
  };
  std::string way;     ///< one line: which rule decides
  std::string policy;  ///< the domain's MTA-STS policy as it was fetched; empty: none
  std::vector<Host> hosts;
  std::string end;     ///< why there is no host; empty when there is one
  bool final = false;  ///< that reason will not go away
};

async::Task<Explanation> explain(Router& router, PolicySources sources, config::Journey journey,
                                 std::shared_ptr<const config::Config> config);

}  // namespace postern::outbound
