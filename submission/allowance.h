// SPDX-License-Identifier: Apache-2.0
// Allowance: how much one account may send, so that a stolen password is worth little (security.md D78). Counts messages and
// recipients in a sliding hour and a sliding day, in memory; when it is used up, sending is suspended, reading is not.
// Thread-safe. Memory: one small ring per account that sent within a day.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "base/clock.h"
#include "mail/identity.h"

namespace postern::submission {

struct AllowanceLimits {
  std::uint32_t messages_per_hour = 300;
  std::uint32_t recipients_per_hour = 2'000;
  std::uint32_t messages_per_day = 2'000;
  std::uint32_t recipients_per_day = 10'000;
};

class Allowance {
 public:
  explicit Allowance(const Clock& clock, const AllowanceLimits& limits = {}) : clock_(clock), limits_(limits) {}

  /// What accounts without numbers of their own may send.
  const AllowanceLimits& limits() const { return limits_; }
  /// Whether so many more recipients of one more message would still fit.
  bool permits(mail::AccountId account, std::size_t recipients) { return permits(account, recipients, limits_); }
  bool permits(mail::AccountId account, std::size_t recipients, const AllowanceLimits& limits);
  /// Counts a message that was accepted. False, and nothing counted, when it does not fit any more.
  bool spend(mail::AccountId account, std::size_t recipients) { return spend(account, recipients, limits_); }
  bool spend(mail::AccountId account, std::size_t recipients, const AllowanceLimits& limits);

 private:
  /// Slots of five minutes; the last 12 are the hour, all are the day.
  static constexpr std::int64_t slot_seconds = 300;
  static constexpr std::size_t slots_per_hour = 12;
  static constexpr std::size_t slots_per_day = 288;
  struct Slot {
    std::uint32_t messages = 0;
    std::uint32_t recipients = 0;
  };
  struct Used {
    std::int64_t newest = 0;  ///< number of the newest slot
    std::array<Slot, slots_per_day> ring{};
  };

  Used& current(mail::AccountId account);
  static bool fits(const Used& used, std::size_t recipients, const AllowanceLimits& limits);
  static Slot sum(const Used& used, std::size_t slots);

  const Clock& clock_;
  AllowanceLimits limits_;
  std::mutex mutex_;
  std::unordered_map<mail::AccountId, Used> used_;
};

}  // namespace postern::submission
