// SPDX-License-Identifier: Apache-2.0
// RuleMeters: what each rule of the gate found, as metrics: postern_rule_findings_total{rule, outcome}. Each judged recipient and
// each judged message counts; rules that passed do not.
#pragma once

#include <array>
#include <vector>

#include "base/metrics.h"
#include "policy/rule.h"

namespace postern::smtp {

class RuleMeters {
 public:
  explicit RuleMeters(Metrics& metrics);
  void count(const std::vector<policy::Reason>& reasons) const;

 private:
  static constexpr std::size_t outcomes = 7;  ///< of policy::Reason::Outcome
  std::array<std::array<Counter, outcomes>, config::rule_count> counters_;
};

}  // namespace postern::smtp
