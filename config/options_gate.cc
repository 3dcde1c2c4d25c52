// SPDX-License-Identifier: Apache-2.0
// Rows of [rules] and [gate]: what port 25 asks about who comes and what they bring.
#include "config/gate.h"
#include "config/option.h"

namespace postern::config {
namespace {

constexpr std::uint64_t most_points = 1000;
constexpr std::uint64_t longest_lookup = 60;

/// One option for each rule, from the table of rules.
Option rule_option(RuleName rule) {
  Option option{.key = std::string(to_string(rule)), .doc = std::string(about(rule))};
  option.read = [rule](Config& config, const Value& value) -> Result<void> {
    const auto text = read_text(value);
    if (!text) return std::unexpected(text.error());
    const auto choice = RuleChoice::parse(*text);
    if (!choice) return std::unexpected(choice.error());
    config.gate->rules.set(rule, *choice);
    return {};
  };
  option.show = [rule](Config& config) { return show_text(config.gate->rules.of(rule).to_string()); };
  return option;
}

Section rules() {
  Section section;
  section.name = "rules";
  section.doc =
      "The rules of port 25, in the order in which they are asked. Each is \"off\", \"score 2.5\" (points towards\n"
      "gate.reject_at), \"defer\" (451, try again later) or \"reject\" (5xx).";
  for (std::size_t i = 0; i < rule_count; ++i) section.options.push_back(rule_option(static_cast<RuleName>(i)));
  return section;
}

Section gate() {
  return Builder<Gate>(
             "gate", [](Config& c) -> Gate& { return *c.gate; }, "Numbers of the rules.")
      .decimal("defer_at", &Gate::defer_at, {0, most_points}, "Points at which mail is put off with 451. 0: never.")
      .decimal("reject_at", &Gate::reject_at, {0, most_points}, "Points at which mail is refused. 0: never.")
      .choice("no_answer", &Gate::no_answer, {{"pass", NoAnswer::pass}, {"defer", NoAnswer::defer}},
              "When DNS does not answer a rule that would defer or reject: \"pass\" lets the mail in, \"defer\" puts it off.")
      .duration("lookup_timeout", &Gate::lookup_timeout, {1, longest_lookup},
                "Wait for DNS at each stage (connection, greeting, sender, recipient).")
      .done();
}

}  // namespace

std::vector<Section> gate_sections() { return {rules(), gate()}; }

}  // namespace postern::config
