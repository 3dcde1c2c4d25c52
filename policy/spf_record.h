// SPDX-License-Identifier: Apache-2.0
// The text of an SPF record as a value (RFC 7208 §4.6, §5, §6), without I/O. A record is right as a whole or not at all: one
// wrong term anywhere makes it a permanent error, before anything is evaluated.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "policy/spf_macro.h"

namespace postern::policy {

/// Longest record in octets that is read (security.md D46).
inline constexpr std::size_t spf_record_max = 4 * 1024;

/// What a record or a check says of the client (RFC 7208 §2.6).
enum class SpfCode : std::uint8_t { none, neutral, pass, fail, softfail, temperror, permerror };
std::string_view to_string(SpfCode code);

struct SpfMechanism {
  enum class Kind : std::uint8_t { all, include, a, mx, ptr, ip4, ip6, exists };
  Kind kind = Kind::all;
  SpfCode qualifier = SpfCode::pass;  ///< the result when it matches
  std::optional<MacroString> target;  ///< domain-spec; nothing: the domain under evaluation
  std::optional<IpNetwork> network;   ///< of ip4 and ip6
  int prefix4 = 32;                   ///< of a and mx
  int prefix6 = 128;
  std::string_view text;  ///< as written, a view into the record
};

struct SpfRecord {
  std::vector<SpfMechanism> mechanisms;
  std::optional<MacroString> redirect;
  std::optional<MacroString> explanation;
};

/// Whether a TXT record is an SPF record at all: "v=spf1", then a space or the end (RFC 7208 §4.5).
bool is_spf_record(std::string_view text);
/// Error invalid names the term that is wrong. The result has views into `text`.
Result<SpfRecord> parse_spf_record(std::string_view text);

}  // namespace postern::policy
