// SPDX-License-Identifier: Apache-2.0
// [mta_sts] The policy by which other servers demand TLS for mail to our domains (RFC 8461). As in config.h, one field for each
// key, the initialisers are the defaults.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace postern::config {

struct MtaSts {
  enum class Mode : unsigned char { off, none, testing, enforce };
  Mode mode = Mode::off;
  std::vector<std::string> mx;  ///< empty: server.hostname
  std::chrono::seconds max_age{7 * 86400};
  bool operator==(const MtaSts&) const = default;
};

}  // namespace postern::config
