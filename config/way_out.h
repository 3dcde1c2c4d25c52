// SPDX-License-Identifier: Apache-2.0
// What is done to mail that leaves, beside [queue] and [outbound]. As in config.h, one field for each key, the initialisers are
// the defaults.
#pragma once

#include "config/boxed.h"

namespace postern::config {

/// [dkim] Signatures on what leaves.
struct Dkim {
  bool sign = true;
  bool operator==(const Dkim&) const = default;
};

struct WayOut {
  Dkim dkim;
  bool operator==(const WayOut&) const = default;
};

}  // namespace postern::config
