// SPDX-License-Identifier: Apache-2.0
// GreyBook: what greylisting remembers over a restart. Keys are hashes made by policy; the store reads nothing into them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace postern::store {

/// A triple of network, sender and recipient; or a network that has learned to come back.
struct GreyRow {
  std::string key;           ///< 32 hexadecimal digits
  UnixTime first = 0;        ///< when it came first
  UnixTime last = 0;         ///< when it came last
  std::uint64_t passes = 0;  ///< times it was let in; of a network: triples that were
  bool operator==(const GreyRow&) const = default;
};

class GreyBook {
 public:
  virtual ~GreyBook() = default;
  /// The newest rows, at most so many. For the start. Error unavailable when closed.
  virtual Result<std::vector<GreyRow>> recall(std::size_t most) = 0;
  /// Rows that replace those of the same key; rows that came last before `before` go. Never waits; may be dropped, which is
  /// logged.
  virtual void note(std::vector<GreyRow> rows, UnixTime before) = 0;
};

}  // namespace postern::store
