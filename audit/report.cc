// SPDX-License-Identifier: Apache-2.0
#include "audit/report.h"

#include <algorithm>
#include <array>

namespace postern::audit {

std::string_view to_string(Check::Result result) {
  constexpr std::array<std::string_view, 3> words{"passed", "failed", "skipped"};
  return words[static_cast<std::size_t>(result)];
}

void Report::judge(bool held, Check check) {
  check.result = held ? Check::Result::passed : Check::Result::failed;
  if (held) check.remedy.clear();
  add(std::move(check));
}

void Report::skip(std::string family, std::string name, std::string why) {
  add({std::move(family), std::move(name), Check::Result::skipped, std::move(why), {}});
}

std::size_t Report::count(Check::Result result) const {
  return static_cast<std::size_t>(std::ranges::count(checks_, result, &Check::result));
}

std::string Report::summary() const {
  std::vector<std::string> lines;
  for (const auto& check : checks_) {
    if (check.result == Check::Result::failed) lines.push_back(check.family + ": " + check.name + "\n");
  }
  std::ranges::sort(lines);
  std::string out;
  for (const auto& line : lines) out += line;
  return out;
}

}  // namespace postern::audit
