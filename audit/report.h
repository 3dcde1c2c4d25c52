// SPDX-License-Identifier: Apache-2.0
// What an audit found: a row for each attack, with what the server said and, where it gave way, what to do.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postern::audit {

struct Check {
  enum class Result : unsigned char { passed, failed, skipped };
  std::string family;  ///< "relay", "smuggling", …
  std::string name;    ///< the attack; never changes, so that runs can be compared
  Result result = Result::passed;
  std::string seen;    ///< what the server said, or why the check was left out
  std::string remedy;  ///< of a failed one
};
std::string_view to_string(Check::Result result);

class Report {
 public:
  void add(Check check) { checks_.push_back(std::move(check)); }
  /// Passed when `held` is true.
  void judge(bool held, Check check);
  void skip(std::string family, std::string name, std::string why);
  const std::vector<Check>& checks() const { return checks_; }
  std::size_t count(Check::Result result) const;
  /// One line for each failed check, "family: name", in a fixed order: what is compared from night to night.
  std::string summary() const;

 private:
  std::vector<Check> checks_;
};

}  // namespace postern::audit
