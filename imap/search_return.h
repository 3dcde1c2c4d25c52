// SPDX-License-Identifier: Apache-2.0
// What SEARCH and SORT are to return: the options in "RETURN (…)".
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "imap/grammar.h"

namespace postern::imap {

/// Positions in a result, counted from 1: from its start, or from its end (RFC 9394 §3.1).
struct PartialRange {
  std::uint32_t first = 1;  ///< not above last
  std::uint32_t last = 1;
  bool from_end = false;
  bool operator==(const PartialRange&) const = default;

  /// The part of a result of `total` members: [begin, end), ascending.
  std::pair<std::size_t, std::size_t> of(std::size_t total) const;
  /// "1:100", "-1:-100".
  std::string to_string() const;
};

/// Faults go to the parser.
PartialRange parse_partial_range(Parser& in);

struct FetchRequest;

/// RETURN options of RFC 4731, RFC 5182 and RFC 9394.
struct SearchReturn {
  bool extended = false;  ///< RETURN was given: answer with ESEARCH
  bool min = false;
  bool max = false;
  bool all = false;
  bool count = false;
  bool save = false;
  bool update = false;                               ///< RFC 5267: tell what changes in the result
  std::shared_ptr<const FetchRequest> update_fetch;  ///< RFC 5465 §7: and this of messages that come into it new
  std::optional<PartialRange> partial;
};

/// "RETURN" SP "(" … ")" SP, when it is next. Faults go to the parser.
SearchReturn parse_search_returns(Parser& in);

}  // namespace postern::imap
