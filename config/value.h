// SPDX-License-Identifier: Apache-2.0
// What parse.cc hands to the option table: TOML without toml++, so that the table compiles quickly and can be tested alone.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace postern::config {

/// An array that holds anything but strings, a date, a nested table: nothing of ours takes these.
struct Unusable {
  std::string type;  ///< "a table", for the message
};

using Value = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>, Unusable>;

/// "a string", "a whole number", …
std::string type_of(const Value& value);

}  // namespace postern::config
