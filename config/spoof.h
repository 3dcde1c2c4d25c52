// SPDX-License-Identifier: Apache-2.0
// [[spoof]] Who may speak for whom, by the way the mail goes. A pattern is "*", "*@example.org", "alice@example.org" or "<>"
// (the null sender); the entry with the most specific patterns decides, the sender's before the recipient's.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/rules.h"

namespace postern::config {

/// Which way mail goes.
enum class Way : unsigned char {
  inward,  ///< from outside to us, by port 25
  inside,  ///< from our users and machines to us
  outward  ///< from our users and machines to elsewhere
};
std::string_view to_string(Way way);

class Pattern {
 public:
  /// "*"
  Pattern() = default;
  /// Error invalid says which forms there are.
  static Result<Pattern> parse(std::string_view text);
  const std::string& to_string() const { return text_; }
  /// `key` is mail::Address::lookup_key(), or empty for the null sender.
  bool matches(std::string_view key) const;
  /// 0 for "*", 1 for a domain, 2 for an address.
  unsigned weight() const;
  bool operator==(const Pattern&) const = default;

 private:
  std::string text_ = "*";  ///< canonical
};

struct Spoof {
  /// What an entry does. `allow` lets pass what would be refused otherwise.
  enum class Action : unsigned char { allow, defer, reject };
  Way way = Way::inward;
  Pattern sender;
  Pattern recipient;
  Action action = Action::reject;
  bool operator==(const Spoof&) const = default;
};

}  // namespace postern::config
