// SPDX-License-Identifier: Apache-2.0
// [[rules_for]] Rules and size limits for some recipients only. The entry with the most specific pattern decides.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/rules.h"
#include "config/spoof.h"

namespace postern::config {

/// "greylist = off" in the file.
struct RuleOverride {
  RuleName rule = RuleName::hops;
  RuleChoice choice;
  static Result<RuleOverride> parse(std::string_view text);
  std::string to_string() const;
  bool operator==(const RuleOverride&) const = default;
};

struct RulesFor {
  Pattern recipient;
  std::vector<RuleOverride> rules;
  std::uint64_t message_bytes = 0;  ///< of one message; 0: limits.message_bytes
  bool operator==(const RulesFor&) const = default;
};

/// The entry for this recipient (mail::Address::lookup_key()), or null. Of equally specific ones the one written last.
const RulesFor* find_rules_for(const std::vector<RulesFor>& entries, std::string_view recipient);

}  // namespace postern::config
