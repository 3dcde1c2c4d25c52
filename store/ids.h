// SPDX-License-Identifier: Apache-2.0
// Names of things in the store, and sets of UIDs. Ids of accounts, mailboxes, blobs and queue entries are never used again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mail/identity.h"

namespace postern::store {

using mail::AccountId;
using MailboxId = std::uint32_t;  ///< below 2^31, so that rowid = mailbox << 32 | uid stays positive
using Uid = std::uint32_t;        ///< 1 … 2^32-1 (RFC 9051 §2.3.1.1)
using ModSeq = std::uint64_t;     ///< below 2^63 (RFC 7162 §3.1)
using QueueId = std::uint64_t;
using QueueRecipientId = std::uint64_t;

struct UidRange {
  Uid lo = 0;
  Uid hi = 0;  ///< inclusive, hi >= lo
  bool operator==(const UidRange&) const = default;
};

/// Sorted, disjoint, non-adjacent ranges.
class UidSet {
 public:
  UidSet() = default;
  UidSet(std::initializer_list<UidRange> ranges);
  /// Everything from 1 up.
  static UidSet all() { return UidSet{{1, UINT32_MAX}}; }

  /// O(1) at the end, O(n) elsewhere; merges neighbours.
  void add(Uid uid) { add(UidRange{uid, uid}); }
  void add(UidRange range);
  bool contains(Uid uid) const;
  bool empty() const { return ranges_.empty(); }
  /// How many UIDs.
  std::uint64_t count() const;
  const std::vector<UidRange>& ranges() const { return ranges_; }
  UidSet intersect(const UidSet& other) const;
  UidSet minus(const UidSet& other) const;
  /// "1:4,7": the form of IMAP and logs; "" when empty.
  std::string to_string() const;
  bool operator==(const UidSet&) const = default;

 private:
  std::vector<UidRange> ranges_;
};

/// System flags as bits of a message row; bits 8–62 are the mailbox's keywords.
namespace flag {
inline constexpr std::uint64_t seen = 1, answered = 2, flagged = 4, deleted = 8, draft = 16;
inline constexpr std::uint64_t system_mask = 0xff;
inline constexpr unsigned first_keyword = 8;
inline constexpr unsigned max_keywords = 55;  ///< the 56th is refused with limit (design.md §7)
}  // namespace flag

}  // namespace postern::store
