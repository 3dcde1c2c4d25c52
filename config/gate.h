// SPDX-License-Identifier: Apache-2.0
// What the rules of the gate (port 25) are given: [rules] what a hit of each does, [gate] their numbers. As in config.h, one
// field for each key, the initialisers are the defaults.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "config/boxed.h"
#include "config/rules.h"

namespace postern::config {

/// What a rule does when its question to DNS gets no answer.
enum class NoAnswer : unsigned char { pass, defer };

struct Gate {
  Rules rules;
  double defer_at = 0;                      ///< points at which a message is put off; 0: never
  double reject_at = 10;                    ///< points at which it is refused; 0: never
  NoAnswer no_answer = NoAnswer::pass;      ///< for rules that would put off or refuse
  std::chrono::seconds lookup_timeout{10};  ///< all questions of one stage together
  bool operator==(const Gate&) const = default;
};

extern template class Boxed<Gate>;

}  // namespace postern::config
