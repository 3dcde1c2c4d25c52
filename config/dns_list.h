// SPDX-License-Identifier: Apache-2.0
// A list of addresses that is asked by DNS (RFC 5782), as the configuration writes it:
//   "bl.example.org 4"                  every answer counts four points
//   "bl.example.org=127.0.0.2-11 4"     answers from 127.0.0.2 to 127.0.0.11 do
//   "wl.example.org=127.0.*.2-3 -3"     a list of good addresses takes three points away
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace postern::config {

struct DnsList {
  /// From and to, both included.
  struct Range {
    std::uint8_t least = 0;
    std::uint8_t most = 255;
    bool operator==(const Range&) const = default;
  };
  std::string zone;  ///< canonical domain
  std::array<Range, 4> answers{{{127, 127}, {}, {}, {}}};
  double points = 0;

  /// Error invalid says what to write instead.
  static Result<DnsList> parse(std::string_view text);
  std::string to_string() const;
  /// Whether the four octets of an answer are among those that count.
  bool counts(const std::array<std::uint8_t, 4>& answer) const;
  bool operator==(const DnsList&) const = default;
};

}  // namespace postern::config
