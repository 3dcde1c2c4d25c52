// SPDX-License-Identifier: Apache-2.0
// Rules between options, and advice, which no single option's reader can know. No I/O: whether files exist is found out by
// those that open them.
#pragma once

#include <vector>

#include "config/parse.h"

namespace postern::config {

struct Findings {
  std::vector<Problem> errors;  ///< lines are 0: parse() fills them in
  std::vector<Problem> warnings;
};

Findings check(const Config& config);

}  // namespace postern::config
