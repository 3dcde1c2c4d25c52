// SPDX-License-Identifier: Apache-2.0
// What is done to mail that leaves, beside [queue] and [outbound]. As in config.h, one field for each key, the initialisers are
// the defaults.
#pragma once

#include <chrono>
#include <vector>

#include "config/boxed.h"
#include "config/device.h"
#include "config/forwarding.h"
#include "config/route.h"

namespace postern::config {

/// [dkim] Signatures on what leaves.
struct Dkim {
  bool sign = true;
  bool operator==(const Dkim&) const = default;
};

/// [submission], beside what config.h has.
struct SubmissionMore {
  std::chrono::seconds hold_max{30 * 86400};  ///< RFC 4865; 0: not offered
  unsigned new_recipients_per_day = 500;      ///< elsewhere, to whom the account had never written
  std::chrono::seconds suspend_for{86400};    ///< 0: until `postern account resume`
  bool operator==(const SubmissionMore&) const = default;
};

/// [outbound], beside what config.h has.
struct OutboundMore {
  bool dane = true;     ///< RFC 7672
  bool mta_sts = true;  ///< RFC 8461
  bool operator==(const OutboundMore&) const = default;
};

struct WayOut {
  Device device;
  Dkim dkim;
  Forwarding forwarding;
  OutboundMore outbound;
  std::vector<Route> routes;  ///< [[route]]
  SubmissionMore submission;
  bool operator==(const WayOut&) const = default;
};

}  // namespace postern::config
