// SPDX-License-Identifier: Apache-2.0
// postern.toml to Config. Every mistake of keys, types and values is found in one pass and told with line, key and
// remedy; only a syntax error ends the reading at once. The one place that knows TOML.
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace postern::config {

/// One thing that is wrong, or (as a warning) unwise.
struct Problem {
  unsigned line = 0;  ///< from 1; 0 when it belongs to no line
  std::string key;    ///< "limits.header_bytes", or empty
  std::string text;   ///< what is wrong and what to write instead
  bool operator==(const Problem&) const = default;
};

/// "line 12: limits.header_bytes: …"
std::string to_string(const Problem& problem);
/// One problem a line.
std::string to_string(const std::vector<Problem>& problems);

struct Loaded {
  Config config;
  std::vector<Problem> warnings;
};

using Loading = std::expected<Loaded, std::vector<Problem>>;

/// Problems are in the order of their lines.
Loading parse(std::string_view text);
/// Reads the file; refuses one that everybody may write (security.md D102).
Loading load(const std::filesystem::path& path);

/// The commented configuration with every default, as installed in etc/postern.toml.
std::string sample();

}  // namespace postern::config
