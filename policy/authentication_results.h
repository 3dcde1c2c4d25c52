// SPDX-License-Identifier: Apache-2.0
// Authentication-Results (RFC 8601): read those of others (in ARC), write ours. Whatever a peer said is quoted or left out, so
// that no value of theirs can end a property, a result or the field.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::policy {

/// Longest value in octets and most results that are read.
inline constexpr std::size_t results_value_max = 16 * 1024;
inline constexpr std::size_t results_max = 50;

struct MethodResult {
  std::string method;   ///< "dkim"
  std::string result;   ///< "pass"
  std::string comment;  ///< shown in brackets behind the result; not read
  std::string reason;
  std::vector<std::pair<std::string, std::string>> properties;  ///< "header.d", "example.org"
  /// The property's value, or nothing.
  std::string_view property(std::string_view name) const;
};

/// The field's value, folded or not, without the part up to the first ";" (the authserv-id). What does not fit the grammar ends
/// the reading; what was read before stays.
std::vector<MethodResult> read_results(std::string_view value);
/// "Authentication-Results: mx.example.org;\r\n\tspf=pass …\r\n"; "none" without results.
std::string write_results(std::string_view authserv_id, const std::vector<MethodResult>& results);

}  // namespace postern::policy
