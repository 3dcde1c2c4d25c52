// SPDX-License-Identifier: Apache-2.0
// Author: what From says, read in one way for all rules (security.md D40). Who reads it twice in two ways lets a stranger show
// one author to the filter and another one to the reader.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::policy {

/// Most different domains of one From that are looked at.
inline constexpr std::size_t author_domains_max = 4;

struct Author {
  enum class Kind : std::uint8_t {
    one,      ///< exactly one From with one mailbox
    several,  ///< one From with several mailboxes, all readable
    absent,   ///< no From field
    twice,    ///< several From fields
    unclear   ///< groups, no mailbox, or something that does not fit the grammar
  };
  Kind kind = Kind::absent;
  std::size_t fields = 0;            ///< From fields seen
  std::vector<std::string> domains;  ///< of one and several: canonical ASCII, each once, in order; never more than the limit
  std::string address;               ///< of one: "user@example.org"
  std::string display_name;          ///< of one: UTF-8
  std::string problem;               ///< of the other kinds: what is wrong
  /// Whether rules may rely on `domains`.
  bool is_clear() const { return kind == Kind::one || kind == Kind::several; }
};

/// From a whole header block.
Author read_author(std::string_view header);
/// From the raw value of the first From field, when `fields` of them were counted.
Author read_author(std::string_view value, std::size_t fields);

}  // namespace postern::policy
