// SPDX-License-Identifier: Apache-2.0
#include "smtp/rule_meters.h"

namespace postern::smtp {

using Outcome = policy::Reason::Outcome;

RuleMeters::RuleMeters(Metrics& metrics) {
  for (std::size_t rule = 0; rule < config::rule_count; ++rule) {
    for (const auto outcome :
         {Outcome::note, Outcome::unsure, Outcome::score, Outcome::waived, Outcome::defer, Outcome::reject}) {
      counters_[rule][static_cast<std::size_t>(outcome)] =
          metrics.counter("postern_rule_findings_total", "What the rules of port 25 found",
                          {{"rule", std::string(config::to_string(static_cast<config::RuleName>(rule)))},
                           {"outcome", std::string(policy::to_string(outcome))}});
    }
  }
}

void RuleMeters::count(const std::vector<policy::Reason>& reasons) const {
  for (const auto& reason : reasons) {
    if (reason.outcome == Outcome::pass) continue;
    counters_[static_cast<std::size_t>(reason.rule)][static_cast<std::size_t>(reason.outcome)].add();
  }
}

}  // namespace postern::smtp
