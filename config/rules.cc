// SPDX-License-Identifier: Apache-2.0
// Words and defaults of the rules.
#include "config/rules.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/ascii.h"

namespace postern::config {
namespace {

constexpr double most_points = 100;

struct Row {
  RuleName rule;
  std::string_view name;
  RuleChoice choice;
  std::string_view about;
};

constexpr std::array<Row, rule_count> rows{{
#define POSTERN_RULE(name, setting, points, about) {RuleName::name, #name, {Setting::setting, points}, about},
#include "config/rule_table.inc"
#undef POSTERN_RULE
}};

const Row& row(RuleName rule) { return rows[static_cast<std::size_t>(rule)]; }

std::unexpected<Error> bad_choice(std::string_view text) {
  return fail(ErrorKind::invalid,
              fmt::format("\"{}\" is not possible; write \"off\", \"score 2.5\" (up to {} points), \"defer\" or \"reject\"", text,
                          most_points));
}

}  // namespace

std::string_view to_string(Setting setting) {
  constexpr std::array<std::string_view, 4> words{"off", "score", "defer", "reject"};
  return words[static_cast<std::size_t>(setting)];
}

std::string_view to_string(RuleName rule) { return row(rule).name; }
std::string_view about(RuleName rule) { return row(rule).about; }

std::optional<RuleName> rule_named(std::string_view name) {
  for (const auto& one : rows) {
    if (one.name == name) return one.rule;
  }
  return std::nullopt;
}

//   choice = "off" / "defer" / "reject" / "score" 1*SP ["-"] decimal
Result<RuleChoice> RuleChoice::parse(std::string_view text) {
  if (text == "off") return RuleChoice{Setting::off, 0};
  if (text == "defer") return RuleChoice{Setting::defer, 0};
  if (text == "reject") return RuleChoice{Setting::reject, 0};
  if (!text.starts_with("score ")) return bad_choice(text);
  const auto number = ascii::trim(text.substr(6));
  RuleChoice choice{Setting::score, 0};
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), choice.points);
  const bool whole = error == std::errc() && end == number.data() + number.size();
  if (!whole || !(std::abs(choice.points) <= most_points)) return bad_choice(text);
  return choice;
}

std::string RuleChoice::to_string() const {
  if (setting == Setting::score) return fmt::format("score {}", points);
  return std::string(config::to_string(setting));
}

Rules::Rules() {
  for (const auto& one : rows) {
    auto choice = one.choice;
    if (choice.setting != Setting::score) choice.points = 0;
    set(one.rule, choice);
  }
}

}  // namespace postern::config
