// SPDX-License-Identifier: Apache-2.0
// Sets of message numbers as clients write them ("1:4,7,*"), and what they mean in one snapshot.
// Parsing is bounded (security.md D88); the result of resolve() is sorted and merged, so "1:*,1:*,…" costs once.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/cursor.h"
#include "base/result.h"
#include "store/ids.h"
#include "store/snapshot.h"

namespace postern::imap {

/// How numbers are meant.
enum class Numbering : bool { sequence, uid };

/// Rows [begin, end) of a snapshot.
struct IndexRange {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool operator==(const IndexRange&) const = default;
};
/// Sorted, disjoint, none empty.
using IndexRanges = std::vector<IndexRange>;

std::size_t count(const IndexRanges& ranges);
bool contains(const IndexRanges& ranges, std::size_t index);
/// The rows at positions [first, last) among these.
IndexRanges part_of(const IndexRanges& ranges, std::size_t first, std::size_t last);
/// The rows that `wanted(index)` chooses among these.
template <class F>
IndexRanges chosen_of(const IndexRanges& ranges, F wanted) {
  IndexRanges out;
  for (const auto& range : ranges) {
    for (auto i = range.begin; i < range.end; ++i) {
      if (!wanted(i)) continue;
      if (!out.empty() && out.back().end == i) {
        ++out.back().end;
      } else {
        out.push_back({i, i + 1});
      }
    }
  }
  return out;
}
/// The UIDs of these rows.
store::UidSet uids_of(const store::Snapshot& snapshot, const IndexRanges& ranges);

class SequenceSet {
 public:
  /// Number that stands for "*".
  static constexpr std::uint32_t star = 0;

  /// RFC 3501 §9: sequence-set = (seq-number / seq-range) *("," sequence-set). Errors: invalid, limit.
  static Result<SequenceSet> parse(Cursor& in);
  /// For tests and literals in code.
  static Result<SequenceSet> parse(std::string_view text);

  /// All UIDs that it names, whether there are messages or not; "*" is the highest one there is (RFC 3501 §9: seq-number).
  /// None for "$", which names only what is there.
  store::UidSet uids(const store::Snapshot& snapshot) const;

  /// "$", the saved result (RFC 5182); only a View can resolve it.
  bool is_saved() const { return saved_; }
  /// Error invalid when a sequence number has no message; UIDs without message are left out.
  Result<IndexRanges> resolve(const store::Snapshot& snapshot, Numbering numbering) const;

 private:
  struct Range {
    std::uint32_t from;
    std::uint32_t to;
  };
  std::vector<Range> ranges_;
  bool saved_ = false;
};

}  // namespace postern::imap
