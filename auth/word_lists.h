// SPDX-License-Identifier: Apache-2.0
// The lists of auth/data as constant data of the program: common passwords and the words of passphrases. Their origin and
// licences stand in auth/data/README.md. Nothing is loaded, nothing is sent anywhere, nothing costs memory of its own.
#pragma once

#include <cstddef>
#include <string_view>

namespace postern::auth {

/// Lines sorted by octets, each ended by LF; searched as they lie.
class SortedLines {
 public:
  explicit constexpr SortedLines(std::string_view text) : text_(text) {}
  /// The first line that is not less than `key`; empty when there is none. No line is empty.
  std::string_view lower_bound(std::string_view key) const;
  bool contains(std::string_view line) const { return !line.empty() && lower_bound(line) == line; }
  /// All lines, for walks.
  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

/// The 10,000 passwords that people choose most, lower case.
SortedLines commonest_passwords();
/// The 39,233 that come next.
SortedLines common_passwords();

/// Words of EFF's large list: 12.9 bits each when chosen evenly. Lower-case letters, 3 to 9 of them; none begins another.
inline constexpr std::size_t passphrase_word_count = 7776;
/// The word with this number; index < passphrase_word_count.
std::string_view passphrase_word(std::size_t index);

}  // namespace postern::auth
