// SPDX-License-Identifier: Apache-2.0
// UidSet: sorted ranges. All set operations are linear in the number of ranges.
#include "store/ids.h"

#include <algorithm>

namespace postern::store {

UidSet::UidSet(std::initializer_list<UidRange> ranges) {
  for (const auto& range : ranges) add(range);
}

void UidSet::add(UidRange range) {
  if (range.lo > range.hi) return;
  // Common case: at or behind the end.
  if (ranges_.empty() || range.lo > ranges_.back().hi) {
    if (!ranges_.empty() && range.lo - 1 == ranges_.back().hi) {
      ranges_.back().hi = range.hi;
    } else {
      ranges_.push_back(range);
    }
    return;
  }
  // First range that touches or follows the new one.
  auto first = std::lower_bound(ranges_.begin(), ranges_.end(), range.lo,
                                [](const UidRange& r, Uid lo) { return r.hi != UINT32_MAX && r.hi + 1 < lo; });
  auto last = first;
  while (last != ranges_.end() && (range.hi == UINT32_MAX || last->lo <= range.hi + 1)) {
    range.lo = std::min(range.lo, last->lo);
    range.hi = std::max(range.hi, last->hi);
    ++last;
  }
  first = ranges_.erase(first, last);
  ranges_.insert(first, range);
}

bool UidSet::contains(Uid uid) const {
  const auto it = std::lower_bound(ranges_.begin(), ranges_.end(), uid, [](const UidRange& r, Uid u) { return r.hi < u; });
  return it != ranges_.end() && it->lo <= uid;
}

std::uint64_t UidSet::count() const {
  std::uint64_t n = 0;
  for (const auto& range : ranges_) n += std::uint64_t{range.hi} - range.lo + 1;
  return n;
}

UidSet UidSet::intersect(const UidSet& other) const {
  UidSet out;
  auto a = ranges_.begin();
  auto b = other.ranges_.begin();
  while (a != ranges_.end() && b != other.ranges_.end()) {
    const UidRange both{std::max(a->lo, b->lo), std::min(a->hi, b->hi)};
    if (both.lo <= both.hi) out.add(both);
    if (a->hi < b->hi) {
      ++a;
    } else {
      ++b;
    }
  }
  return out;
}

UidSet UidSet::minus(const UidSet& other) const {
  UidSet out;
  auto hole = other.ranges_.begin();
  for (UidRange left : ranges_) {
    while (hole != other.ranges_.end() && hole->hi < left.lo) ++hole;
    bool gone = false;
    for (auto h = hole; h != other.ranges_.end() && h->lo <= left.hi; ++h) {
      if (h->lo > left.lo) out.add(UidRange{left.lo, h->lo - 1});
      if (h->hi >= left.hi) {
        gone = true;
        break;
      }
      left.lo = h->hi + 1;
    }
    if (!gone) out.add(left);
  }
  return out;
}

std::string UidSet::to_string() const {
  std::string out;
  for (const auto& range : ranges_) {
    if (!out.empty()) out += ',';
    out += std::to_string(range.lo);
    if (range.hi != range.lo) out += ':' + std::to_string(range.hi);
  }
  return out;
}

}  // namespace postern::store
