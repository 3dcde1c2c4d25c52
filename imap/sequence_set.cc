// SPDX-License-Identifier: Apache-2.0
// Parsing of sequence sets, and what they mean in a snapshot.
#include "imap/sequence_set.h"

#include "imap/limits.h"

namespace postern::imap {
namespace {

// RFC 3501 §9: seq-number = nz-number / "*"
std::optional<std::uint32_t> take_seq_number(Cursor& in) {
  if (in.take('*')) return SequenceSet::star;
  if (in.is('0')) return std::nullopt;
  const auto number = in.take_number(UINT32_MAX);
  if (!number) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

void merge(IndexRanges& ranges) {
  std::ranges::sort(ranges, {}, &IndexRange::begin);
  IndexRanges out;
  for (const auto& range : ranges) {
    if (range.begin >= range.end) continue;
    if (!out.empty() && range.begin <= out.back().end) {
      out.back().end = std::max(out.back().end, range.end);
    } else {
      out.push_back(range);
    }
  }
  ranges = std::move(out);
}

}  // namespace

std::size_t count(const IndexRanges& ranges) {
  std::size_t n = 0;
  for (const auto& range : ranges) n += range.end - range.begin;
  return n;
}

bool contains(const IndexRanges& ranges, std::size_t index) {
  const auto after = std::ranges::upper_bound(ranges, index, {}, &IndexRange::begin);
  return after != ranges.begin() && index < std::prev(after)->end;
}

IndexRanges part_of(const IndexRanges& ranges, std::size_t first, std::size_t last) {
  IndexRanges out;
  std::size_t position = 0;
  for (const auto& range : ranges) {
    const auto size = range.end - range.begin;
    const auto from = std::max(first, position);
    const auto to = std::min(last, position + size);
    if (from < to) out.push_back({range.begin + (from - position), range.begin + (to - position)});
    position += size;
  }
  return out;
}

store::UidSet uids_of(const store::Snapshot& snapshot, const IndexRanges& ranges) {
  store::UidSet out;
  for (const auto& range : ranges) {
    for (std::size_t i = range.begin; i < range.end; ++i) out.add(snapshot.row(i).uid);
  }
  return out;
}

Result<SequenceSet> SequenceSet::parse(Cursor& in) {
  SequenceSet set;
  if (in.take('$')) {
    set.saved_ = true;
    return set;
  }
  do {
    const auto from = take_seq_number(in);
    if (!from) return fail(ErrorKind::invalid, in.where("expected a message number"));
    auto to = from;
    if (in.take(':')) to = take_seq_number(in);
    if (!to) return fail(ErrorKind::invalid, in.where("expected a message number"));
    if (set.ranges_.size() == limits::sequence_ranges) return fail(ErrorKind::limit, "too many ranges in a sequence set");
    set.ranges_.push_back({*from, *to});
  } while (in.take(','));
  return set;
}

Result<SequenceSet> SequenceSet::parse(std::string_view text) {
  Cursor in(text);
  auto set = parse(in);
  if (set && !in.at_end()) return fail(ErrorKind::invalid, in.where("expected the end"));
  return set;
}

// RFC 3501 §9, seq-range: the order does not matter; "*" is the largest number in use, also when the mailbox is empty for UIDs.
Result<IndexRanges> SequenceSet::resolve(const store::Snapshot& snapshot, Numbering numbering) const {
  const bool uid = numbering == Numbering::uid;
  const std::size_t size = snapshot.size();
  if (size == 0) return uid ? Result<IndexRanges>() : fail(ErrorKind::invalid, "the mailbox is empty");
  const auto last = uid ? snapshot.row(size - 1).uid : static_cast<std::uint32_t>(size);
  IndexRanges out;
  for (const auto& [from, to] : ranges_) {
    const auto a = from == star ? last : from;
    const auto b = to == star ? last : to;
    const auto [low, high] = std::minmax(a, b);
    if (!uid && high > size) return fail(ErrorKind::invalid, "no message of this number");
    if (!uid) {
      out.push_back({low - 1, high});
    } else {
      out.push_back({snapshot.lower_bound(low), high == UINT32_MAX ? size : snapshot.lower_bound(high + 1)});
    }
  }
  merge(out);
  return out;
}

// The highest UID that was ever given stands for "*", so that "1:*" names what went from the end, too.
store::UidSet SequenceSet::uids(const store::Snapshot& snapshot) const {
  const auto last = std::max<store::Uid>(snapshot.uidnext - 1, 1);
  store::UidSet out;
  for (const auto& [from, to] : ranges_) {
    const auto [low, high] = std::minmax(from == star ? last : from, to == star ? last : to);
    out.add(store::UidRange{low, high});
  }
  return out;
}

}  // namespace postern::imap
