// SPDX-License-Identifier: Apache-2.0
// StsBook: MTA-STS policies of other domains (RFC 8461), kept until they end, also over restarts. That is their strength: who
// can silence DNS or the web for a while cannot make us forget them.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace postern::store {

struct StsRow {
  std::string domain;
  std::string id;    ///< of the record that led to it
  std::string text;  ///< the policy as it was fetched
  UnixTime fetched = 0;
  UnixTime expires = 0;
  bool operator==(const StsRow&) const = default;
};

class StsBook {
 public:
  virtual ~StsBook() = default;
  /// Those that end last, at most so many. For the start. Error unavailable when closed.
  virtual Result<std::vector<StsRow>> recall(std::size_t most) = 0;
  /// A row that replaces the one of its domain. Never waits; may be dropped, which is logged.
  virtual void note(StsRow row) = 0;
  /// Rows that end before this time go.
  virtual void forget(UnixTime before) = 0;
};

}  // namespace postern::store
