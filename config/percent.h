// SPDX-License-Identifier: Apache-2.0
// A share in percent as it stands in the configuration: "80%".
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace postern::config {

struct Percent {
  unsigned value = 0;  ///< 1 to 100

  /// Error invalid: not of the form "80%", or out of range.
  static Result<Percent> parse(std::string_view text);
  std::string to_string() const;
  auto operator<=>(const Percent&) const = default;
};

}  // namespace postern::config
