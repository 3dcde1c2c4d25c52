// SPDX-License-Identifier: Apache-2.0
// Tag lists, "v=1; a=rsa-sha256; …": the common grammar of DKIM, DMARC and ARC (RFC 6376 §3.2). Nothing is interpreted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace postern::policy {

/// Longest list in octets and most tags that are read (security.md D44, D46).
inline constexpr std::size_t tag_list_max = 16 * 1024;
inline constexpr std::size_t tags_max = 64;

struct Tag {
  std::string_view name;   ///< as written; names are case-sensitive
  std::string_view value;  ///< without white space around it; folding inside stays
};

class TagList {
 public:
  /// Error invalid: no "=", a name that is none, a name that occurs twice; too_large. Views point into `text`.
  static Result<TagList> parse(std::string_view text);
  /// The same without errors: what is wrong is left out, of a name that occurs twice the first counts.
  static TagList salvage(std::string_view text);
  /// The value; nothing when the tag is absent.
  std::optional<std::string_view> find(std::string_view name) const;
  const std::vector<Tag>& tags() const { return tags_; }

 private:
  Result<> take(std::string_view spec);
  std::vector<Tag> tags_;
};

/// The text without any white space or line ends: base64 and lists may be folded.
std::string without_space(std::string_view text);
/// The members of a list with colons ("from:to:subject"), trimmed; at most `max` of them.
std::vector<std::string_view> split_colons(std::string_view text, std::size_t max);
/// Decimal digits, all of the text; nothing otherwise.
std::optional<std::uint64_t> whole_number(std::string_view text);

}  // namespace postern::policy
