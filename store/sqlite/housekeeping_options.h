// SPDX-License-Identifier: Apache-2.0
// What an admin can choose about housekeeping ([store] of postern.toml); plain values without the machinery behind them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace postern::store::sqlite {

/// What a mailbox remembers of messages that are gone.
struct HistoryLimits {
  std::int64_t most_ranges = 100'000;  ///< of one mailbox; above it the older half goes
  std::chrono::seconds keep = std::chrono::hours(24 * 180);
};

struct HousekeepingOptions {
  unsigned compact_above = 30;                                      ///< percent of dead octets; 100: never
  std::uint64_t rate = std::uint64_t{50} << 20;                     ///< octets a second; 0: no limit and no rests
  std::string audit_at;                                             ///< local time, "HH:MM"; empty: never
  std::chrono::seconds audit_bodies = std::chrono::hours(24 * 30);  ///< every body is read within this time; 0: never
  HistoryLimits history;
};

}  // namespace postern::store::sqlite
