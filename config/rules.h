// SPDX-License-Identifier: Apache-2.0
// The gate's rules as the configuration sees them: which there are, and what a hit of each does. How they judge, and in which
// order, stands in policy/judge.cc. A new rule is one line in config/rule_table.inc, and one row in policy/judge.cc.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace postern::config {

/// What happens when a rule finds something.
enum class Setting : unsigned char {
  off,    ///< the rule is not asked
  score,  ///< its points are added to those of the others
  defer,  ///< 4yz: try again later
  reject  ///< 5yz: never
};
std::string_view to_string(Setting setting);

/// "off", "defer", "reject" or "score 2.5" in the file.
struct RuleChoice {
  Setting setting = Setting::off;
  double points = 0;  ///< −100 to 100, added by a hit when the setting is score
  /// Error invalid says what to write instead.
  static Result<RuleChoice> parse(std::string_view text);
  std::string to_string() const;
  bool operator==(const RuleChoice&) const = default;
};

enum class RuleName : unsigned char {
#define POSTERN_RULE(name, setting, points, about) name,
#include "config/rule_table.inc"
#undef POSTERN_RULE
};
inline constexpr std::size_t rule_count = 0
#define POSTERN_RULE(name, setting, points, about) +1
#include "config/rule_table.inc"
#undef POSTERN_RULE
    ;

/// "helo_syntax": in the file, the log and the trace; never changes.
std::string_view to_string(RuleName rule);
/// One sentence: what it finds.
std::string_view about(RuleName rule);
/// The rule of this name; nothing when there is none.
std::optional<RuleName> rule_named(std::string_view name);

/// [rules] A choice for each rule.
class Rules {
 public:
  /// Every rule as it is without a word in the file.
  Rules();
  const RuleChoice& of(RuleName rule) const { return choices_[static_cast<std::size_t>(rule)]; }
  void set(RuleName rule, const RuleChoice& choice) { choices_[static_cast<std::size_t>(rule)] = choice; }
  bool operator==(const Rules&) const = default;

 private:
  std::array<RuleChoice, rule_count> choices_;
};

}  // namespace postern::config
