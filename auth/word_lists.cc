// SPDX-License-Identifier: Apache-2.0
// The bytes of auth/data, and a binary search over text: halve the octets, step back to the line's beginning, compare.
#include "auth/word_lists.h"

namespace postern::auth {
namespace {

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
constexpr char commonest_text[] = {
#embed "data/commonest.txt"
};
constexpr char common_text[] = {
#embed "data/common.txt"
};
constexpr char words_text[] = {
#embed "data/words.txt"
};
#pragma clang diagnostic pop

}  // namespace

std::string_view SortedLines::lower_bound(std::string_view key) const {
  std::size_t low = 0;  // beginnings of lines, both; every line before `low` is less than key
  std::size_t high = text_.size();
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    const auto before = text_.substr(low, middle - low).rfind('\n');
    const auto begin = before == std::string_view::npos ? low : low + before + 1;
    const auto end = text_.find('\n', begin);
    if (text_.substr(begin, end - begin) < key) {
      low = end + 1;
    } else {
      high = begin;
    }
  }
  return low == text_.size() ? std::string_view() : text_.substr(low, text_.find('\n', low) - low);
}

SortedLines commonest_passwords() { return SortedLines({commonest_text, sizeof commonest_text}); }
SortedLines common_passwords() { return SortedLines({common_text, sizeof common_text}); }

std::string_view passphrase_word(std::size_t index) {
  std::string_view rest(words_text, sizeof words_text);
  for (; index > 0; --index) rest.remove_prefix(rest.find('\n') + 1);
  return rest.substr(0, rest.find('\n'));
}

}  // namespace postern::auth
