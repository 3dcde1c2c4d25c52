// SPDX-License-Identifier: Apache-2.0
#include "config/rules_for.h"

#include <fmt/format.h>

#include "base/ascii.h"

namespace postern::config {

//   override = rule *SP "=" *SP choice
Result<RuleOverride> RuleOverride::parse(std::string_view text) {
  const auto equals = text.find('=');
  const auto rule = equals == std::string_view::npos ? std::nullopt : rule_named(ascii::trim(text.substr(0, equals)));
  if (!rule) return fail(ErrorKind::invalid, fmt::format("\"{}\" names no rule; write \"greylist = off\"", text));
  const auto choice = RuleChoice::parse(ascii::trim(text.substr(equals + 1)));
  if (!choice) return std::unexpected(choice.error());
  return RuleOverride{*rule, *choice};
}

std::string RuleOverride::to_string() const { return fmt::format("{} = {}", config::to_string(rule), choice.to_string()); }

const RulesFor* find_rules_for(const std::vector<RulesFor>& entries, std::string_view recipient) {
  const RulesFor* best = nullptr;
  for (const auto& one : entries) {
    if (!one.recipient.matches(recipient)) continue;
    if (best == nullptr || one.recipient.weight() >= best->recipient.weight()) best = &one;
  }
  return best;
}

}  // namespace postern::config
