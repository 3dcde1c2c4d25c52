// SPDX-License-Identifier: Apache-2.0
// Macros of SPF records (RFC 7208 §7) as values: parsed once, expanded without I/O. Everything an outsider wrote ends up
// in a name or a text of bounded length (security.md D47).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ip_address.h"
#include "base/result.h"

namespace postern::policy {

/// Longest expansion in octets; more is an error.
inline constexpr std::size_t macro_expansion_max = 8 * 1024;

/// Where a macro string stands. Only explanations may have spaces and the letters c, r and t (RFC 7208 §7.2).
enum class MacroPlace : std::uint8_t { name, explanation };

/// Literal text, or one macro when `letter` is set.
struct MacroPart {
  std::string literal;
  char letter = '\0';            ///< lower case
  bool escape = false;           ///< written upper case: the value is percent-encoded
  bool reverse = false;          ///< transformer "r"
  std::size_t keep = 0;          ///< right-hand parts to keep; 0: all
  std::string delimiters = ".";  ///< at which the value is split
  bool operator==(const MacroPart&) const = default;
};
using MacroString = std::vector<MacroPart>;

/// What the letters stand for. Views are valid during the call.
struct MacroValues {
  std::string_view local;      ///< l: local part of the sender
  std::string_view sender;     ///< o: domain of the sender
  std::string_view domain;     ///< d: domain under evaluation
  std::string_view helo;       ///< h
  std::string_view validated;  ///< p: validated name of the client, "unknown" when there is none
  std::string_view receiver;   ///< r: our own name
  IpAddress ip;                ///< i, v, c
  UnixTime now = 0;            ///< t
};

/// Error invalid names the position.
Result<MacroString> parse_macros(std::string_view text, MacroPlace place);
/// Whether the grammar's domain-end holds: the string ends with a macro, or with a dot and a label that is no number.
bool ends_like_a_domain(const MacroString& macros);
/// True when a "p" occurs, which costs DNS work.
bool uses_validated_name(const MacroString& macros);
/// Error too_large above macro_expansion_max.
Result<std::string> expand(const MacroString& macros, const MacroValues& values);
/// The same as a DNS name: without final dot, shortened from the left to 253 octets (RFC 7208 §7.3).
Result<std::string> expand_name(const MacroString& macros, const MacroValues& values);

}  // namespace postern::policy
