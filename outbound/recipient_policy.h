// SPDX-License-Identifier: Apache-2.0
// What a recipient's domain demands of TLS by what it publishes: DANE (outbound/dane.h), and where there is none MTA-STS
// (outbound/mta_sts.h). RFC 8461 §2: MTA-STS never takes the place of a DANE that fails.
#pragma once

#include <memory>

#include "async/task.h"
#include "config/config.h"
#include "dns/resolver.h"
#include "outbound/dane.h"
#include "outbound/mta_sts.h"

namespace postern::outbound {

struct RecipientPolicy {
  DaneFinding dane;
  StsFinding sts;
  /// Whether it demands more than encryption when that is offered.
  bool raises() const { return dane.state != DaneFinding::State::none || sts.enforced(); }
};

/// Where to ask; null: nowhere.
struct PolicySources {
  dns::Resolver* resolver = nullptr;
  MtaSts* sts = nullptr;
};

/// Empty for a host that the admin has named, and where `demand` or the configuration says that nobody asks.
async::Task<RecipientPolicy> find_policy(PolicySources sources, Hop hop, const TlsDemand& demand,
                                         std::shared_ptr<const config::Config> config);

/// Raises the demand; never lowers it.
void add_policy(const RecipientPolicy& policy, const Hop& hop, TlsDemand& demand);

}  // namespace postern::outbound
