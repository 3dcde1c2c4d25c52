// SPDX-License-Identifier: Apache-2.0
// Facts: what the rules of the stage `header` ask for, collected in one pass over the block; nothing is copied but addresses.
#pragma once

#include <cstddef>
#include <string_view>

#include "policy/evidence.h"

namespace postern::policy {

struct Facts {
  const HeaderEvidence* evidence = nullptr;
  std::size_t received = 0;
  std::size_t from = 0;
  std::size_t delivered_to = 0;
  std::string_view from_value;  ///< of the first From
  bool loop = false;            ///< a Delivered-To names a recipient of this envelope
  bool forged_results = false;
};

Facts collect(const HeaderEvidence& evidence);

}  // namespace postern::policy
