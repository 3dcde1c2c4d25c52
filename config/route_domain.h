// SPDX-License-Identifier: Apache-2.0
// A pattern for domains, as options name them.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace postern::config {

/// A domain: "example.com", or ".example.com" for all below it.
struct RouteDomain {
  std::string text;
  static Result<RouteDomain> parse(std::string_view text);
  const std::string& to_string() const { return text; }
  /// `domain` is canonical, or a literal, which fits nothing.
  bool fits(std::string_view domain) const;
  bool operator==(const RouteDomain&) const = default;
};

}  // namespace postern::config
