// SPDX-License-Identifier: Apache-2.0
// SEARCH keys as a flat program in postfix order: leaves push a truth value, not/and/or combine what lies on the stack.
// Parsing and evaluation are iterative and bounded (security.md D84, D85).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "imap/grammar.h"
#include "imap/search_return.h"
#include "imap/sequence_set.h"
#include "store/ids.h"

namespace postern::imap {

/// false, true, or not known with what has been read so far.
enum class Truth : std::uint8_t { no, yes, unknown };

struct SearchKey {
  enum class Kind : std::uint8_t {
    // combine
    negate,
    all_of,  ///< `count` values
    any_of,  ///< `count` values
    // from the snapshot
    always,
    never,
    flag,     ///< `bits`; any of them
    keyword,  ///< `text`
    recent,
    set,        ///< `set`, `numbering`
    uid_above,  ///< `number` (RFC 9738 §3.2)
    uid_below,
    modseq,  ///< `number`: at least
    larger,  ///< `number`
    smaller,
    // from the store's index
    before,  ///< internal date, `day`
    on,
    since,
    older,         ///< `number`: seconds (RFC 5032)
    younger,       ///< the same
    saved_before,  ///< `day` (RFC 8514)
    saved_on,
    saved_since,
    email_id,  ///< `text` (RFC 8474)
    // from the cached envelope
    sent_before,
    sent_on,
    sent_since,
    envelope_text,  ///< `field`, `text`
    // from the message
    header,  ///< `field`, `text`
    body,    ///< `text`
    text     ///< `text`
  };
  Kind kind = Kind::always;
  std::uint32_t count = 0;
  std::uint64_t bits = 0;
  std::uint64_t number = 0;
  Day day = 0;
  Numbering numbering = Numbering::sequence;
  std::string field;  ///< lower case
  std::string text;   ///< in the comparison form of mime::casemap
  SequenceSet set;
};

struct SearchProgram {
  std::vector<SearchKey> keys;  ///< postfix
  SearchReturn returns;
  bool uses_modseq = false;
  bool names_charset = false;  ///< SEARCH CHARSET was given
};

/// Reads everything behind "SEARCH": [SP "RETURN" …] [SP "CHARSET" SP charset] 1*(SP search-key). Faults go to the parser;
/// unknown charsets are NO [BADCHARSET …].
SearchProgram parse_search(Parser& in);
/// charset SP search-key *(SP search-key), as SORT and THREAD have it (RFC 5256 §5), to the end of the command.
void parse_search_criteria(Parser& in, SearchProgram& program);

/// Runs the program: `leaf(index)` gives the truth of keys[index].
template <class Leaf>
Truth evaluate(std::span<const SearchKey> keys, std::vector<Truth>& stack, Leaf leaf);

// ---- implementation of the template

Truth negate(Truth value);
/// Truth of all (`any` false) or any of the last `count` values, which are removed from the stack.
Truth combine(std::vector<Truth>& stack, std::size_t count, SearchKey::Kind kind);

template <class Leaf>
Truth evaluate(std::span<const SearchKey> keys, std::vector<Truth>& stack, Leaf leaf) {
  stack.clear();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    switch (keys[i].kind) {
      case SearchKey::Kind::negate: stack.back() = negate(stack.back()); break;
      case SearchKey::Kind::all_of:
      case SearchKey::Kind::any_of: {
        const auto value = combine(stack, keys[i].count, keys[i].kind);
        stack.push_back(value);
        break;
      }
      default: stack.push_back(leaf(i));
    }
  }
  return stack.back();
}

}  // namespace postern::imap
