// SPDX-License-Identifier: Apache-2.0
#include "config/rules_for.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

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

namespace {

bool contains(const std::vector<std::string>& list, const std::string& one) {
  return std::ranges::any_of(list, [&](const auto& other) { return ascii::iequals(one, other); });
}

bool applies(const RulesFor& entry, const RulesQuestion& question) {
  return entry.way == question.way && entry.sender.matches(question.sender) && entry.recipient.matches(question.recipient) &&
         (entry.account.empty() || contains(question.accounts, entry.account)) &&
         (entry.group.empty() || contains(question.groups, entry.group));
}

/// Larger is more specific: our side, then the other one.
std::pair<unsigned, unsigned> rank(const RulesFor& entry) {
  constexpr unsigned account = 5;
  constexpr unsigned group = 2;
  constexpr std::array<unsigned, 3> pattern{0, 1, 3};  // of Pattern::weight()
  const bool inward = entry.way == Way::inward;
  const auto& own = inward ? entry.recipient : entry.sender;
  const auto& other = inward ? entry.sender : entry.recipient;
  auto ours = pattern.at(own.weight());
  if (!entry.group.empty()) ours = std::max(ours, group);
  if (!entry.account.empty()) ours = account;
  return {ours, other.weight()};
}

}  // namespace

bool name_accounts(const std::vector<RulesFor>& entries) {
  return std::ranges::any_of(entries, [](const auto& one) { return !one.account.empty() || !one.group.empty(); });
}

const RulesFor* find_rules_for(const std::vector<RulesFor>& entries, const RulesQuestion& question) {
  const RulesFor* best = nullptr;
  for (const auto& one : entries) {
    if (applies(one, question) && (best == nullptr || rank(one) >= rank(*best))) best = &one;
  }
  return best;
}

bool asked_of_our_own(RuleName rule) {
  switch (rule) {
    case RuleName::hops:
    case RuleName::loop:
    case RuleName::single_from:
    case RuleName::null_sender_recipients:
    case RuleName::odd_names:
    case RuleName::forged_results: return true;
    default: return false;
  }
}

}  // namespace postern::config
