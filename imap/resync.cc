// SPDX-License-Identifier: Apache-2.0
// The grammar of SELECT parameters, and what a returning client has to be told.
#include "imap/resync.h"

#include <algorithm>

#include "imap/limits.h"

namespace postern::imap {
namespace {

/// Reads the members of two sets in step.
class Members {
 public:
  explicit Members(const store::UidSet& set) : ranges_(set.ranges()) {}
  /// 0 at the end.
  std::uint32_t next() {
    if (range_ == ranges_.size()) return 0;
    const auto& range = ranges_[range_];
    const auto out = range.lo + offset_++;
    if (out == range.hi) {
      ++range_;
      offset_ = 0;
    }
    return out;
  }

 private:
  const std::vector<store::UidRange>& ranges_;
  std::size_t range_ = 0;
  std::uint32_t offset_ = 0;
};

// RFC 7162 §7: known-uids = sequence-set without "*" and "$"
store::UidSet parse_known(Parser& in) {
  store::UidSet out;
  std::size_t count = 0;
  do {
    if (++count > limits::sequence_ranges) {
      in.refuse(no("LIMIT", "Too many ranges"));
      break;
    }
    auto lo = in.nz_number();
    auto hi = in.take(':') ? in.nz_number() : lo;
    if (!in.ok()) break;
    if (lo > hi) std::swap(lo, hi);
    out.add({lo, hi});
  } while (in.take(','));
  return out;
}

// RFC 7162 §7: seq-match-data = "(" known-sequence-set SP known-uid-set ")"; both name equally many
void parse_match(Parser& in, Resync& out) {
  in.expect('(');
  out.matched_numbers = parse_known(in);
  in.sp();
  out.matched_uids = parse_known(in);
  in.expect(')');
  if (out.matched_numbers.count() != out.matched_uids.count()) in.fail("Sequence numbers and UIDs must be equally many");
}

// RFC 7162 §7: select-param =/ "QRESYNC" SP "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"
Resync parse_resync(Parser& in) {
  Resync out;
  in.sp();
  in.expect('(');
  out.uidvalidity = in.nz_number();
  in.sp();
  out.since = in.mod_sequence();
  if (out.since == 0) in.fail("A mod-sequence is above 0");
  if (in.take(' ')) {
    if (!in.is('(')) {
      out.known = parse_known(in);
      if (in.take(' ')) parse_match(in, out);
    } else {
      parse_match(in, out);
    }
  }
  in.expect(')');
  return out;
}

/// The highest UID for which the client's sequence number is still right; 0 when there is none.
store::Uid last_match(const Resync& resync, const store::Snapshot& snapshot) {
  Members numbers(resync.matched_numbers), uids(resync.matched_uids);
  store::Uid last = 0;
  for (;;) {
    const auto number = numbers.next();
    const auto uid = uids.next();
    if (number == 0 || number > snapshot.size()) return last;
    if (snapshot.row(number - 1).uid == uid) last = uid;
  }
}

}  // namespace

store::UidSet without_present(const store::UidSet& uids, const store::Snapshot& snapshot) {
  store::UidSet present;
  for (const auto& range : uids.ranges()) {
    for (auto i = snapshot.lower_bound(range.lo); i < snapshot.size() && snapshot.row(i).uid <= range.hi; ++i) {
      present.add(snapshot.row(i).uid);
    }
  }
  return uids.minus(present);
}

// RFC 7162 §3.2.5.2: below a number that matches nothing can be missing, because UIDs only rise.
store::UidSet Resync::vanished(const store::Snapshot& snapshot, const store::UidSet& gone) const {
  auto out = known ? gone.intersect(*known) : gone;
  const auto last = last_match(*this, snapshot);
  if (last != 0) out = out.minus(store::UidSet{{1, last}});
  if (snapshot.uidnext < UINT32_MAX) out = out.minus(store::UidSet{{snapshot.uidnext, UINT32_MAX}});
  return without_present(out, snapshot);
}

// RFC 4466 §2.1, RFC 7162 §3.1.8: select-param =/ "CONDSTORE"
SelectParameters parse_select_parameters(Parser& in) {
  SelectParameters out;
  if (in.at_end() || !in.ok()) return out;
  in.sp();
  in.expect('(');
  do {
    if (in.take_keyword("CONDSTORE")) {
      out.condstore = true;
    } else if (in.take_keyword("QRESYNC")) {
      if (out.resync) in.fail("QRESYNC is allowed once");
      out.resync = parse_resync(in);
    } else {
      in.fail("Unknown parameter");
    }
  } while (in.take(' '));
  in.expect(')');
  return out;
}

}  // namespace postern::imap
