// SPDX-License-Identifier: Apache-2.0
// Content-Type, Content-Disposition and Content-Language: a value with parameters (RFC 2045 §5.1, RFC 2183, RFC 2231).
// Tolerant and bounded: what does not fit is skipped; pieces of one parameter are joined, at most max_parameters of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::mime {

/// Most parameters, pieces of RFC 2231 continuations included; the rest is ignored (security.md D31).
inline constexpr std::size_t max_parameters = 128;
/// Longest boundary we honour. RFC 2046 §5.1.1 says 70; some programs write longer ones.
inline constexpr std::size_t max_boundary = 200;

struct Parameter {
  std::string name;       ///< lower case, without the marks of RFC 2231
  std::string value;      ///< octets: unquoted, percent decoding and joining done, still in `charset`
  std::string charset;    ///< of RFC 2231, else empty
  std::string language;   ///< of RFC 2231, else empty
  bool extended = false;  ///< it was written in the form name*=charset'language'value
  /// In UTF-8, charset and (against the rules, but common) encoded words decoded; no control characters.
  std::string utf8() const;
  bool operator==(const Parameter&) const = default;
};

using Parameters = std::vector<Parameter>;
/// The first parameter of this lower-case name, or null.
const Parameter* find_parameter(const Parameters& parameters, std::string_view name);

struct ContentType {
  std::string type = "text";      ///< lower case
  std::string subtype = "plain";  ///< lower case
  Parameters parameters;
  bool is(std::string_view wanted_type, std::string_view wanted_subtype) const {
    return type == wanted_type && subtype == wanted_subtype;
  }
  /// The parameter's octets, or empty.
  std::string_view parameter(std::string_view name) const;
  bool operator==(const ContentType&) const = default;
};

/// An unreadable value gives application/octet-stream; an empty one text/plain (RFC 2045 §5.2).
ContentType parse_content_type(std::string_view value);

struct Disposition {
  std::string value;  ///< lower case: "attachment"; empty when there was none
  Parameters parameters;
  bool operator==(const Disposition&) const = default;
};
Disposition parse_disposition(std::string_view value);

/// The tags of a Content-Language field (RFC 3282), at most max_parameters.
std::vector<std::string> parse_languages(std::string_view value);

/// A token of RFC 2045 §5.1.
bool is_token(std::string_view text);
/// `; name=value`, quoted or in the form of RFC 2231 as the value needs; the value is UTF-8.
std::string format_parameter(std::string_view name, std::string_view value);

}  // namespace postern::mime
