// SPDX-License-Identifier: Apache-2.0
// A ring of five-minute slots for each account.
#include "submission/allowance.h"

#include <algorithm>
#include <chrono>

namespace postern::submission {

Allowance::Used& Allowance::current(mail::AccountId account) {
  using std::chrono::duration_cast;
  // The steady clock: setting the wall clock back or forward gives nobody a new day.
  const auto now = duration_cast<std::chrono::seconds>(clock_.steady().time_since_epoch()).count() / slot_seconds;
  const auto [found, fresh] = used_.try_emplace(account);
  auto& used = found->second;
  if (fresh || now - used.newest >= static_cast<std::int64_t>(slots_per_day)) {
    used.ring.fill({});
    used.newest = now;
  }
  for (; used.newest < now; ++used.newest) used.ring[static_cast<std::size_t>(used.newest + 1) % slots_per_day] = {};
  return used;
}

Allowance::Slot Allowance::sum(const Used& used, std::size_t slots) {
  Slot total;
  for (std::size_t back = 0; back < slots; ++back) {
    const auto& slot = used.ring[(static_cast<std::size_t>(used.newest) + slots_per_day - back) % slots_per_day];
    total.messages += slot.messages;
    total.recipients += slot.recipients;
  }
  return total;
}

bool Allowance::fits(const Used& used, std::size_t recipients, const AllowanceLimits& limits) {
  const auto hour = sum(used, slots_per_hour);
  const auto day = sum(used, slots_per_day);
  return hour.messages < limits.messages_per_hour && day.messages < limits.messages_per_day &&
         hour.recipients + recipients <= limits.recipients_per_hour && day.recipients + recipients <= limits.recipients_per_day;
}

bool Allowance::permits(mail::AccountId account, std::size_t recipients, const AllowanceLimits& limits) {
  const std::lock_guard lock(mutex_);
  return fits(current(account), recipients, limits);
}

bool Allowance::spend(mail::AccountId account, std::size_t recipients, const AllowanceLimits& limits) {
  const std::lock_guard lock(mutex_);
  auto& used = current(account);
  if (!fits(used, recipients, limits)) return false;
  auto& slot = used.ring[static_cast<std::size_t>(used.newest) % slots_per_day];
  ++slot.messages;
  slot.recipients += static_cast<std::uint32_t>(recipients);
  return true;
}

}  // namespace postern::submission
