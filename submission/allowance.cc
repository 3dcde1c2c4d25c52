// SPDX-License-Identifier: Apache-2.0
// A ring of five-minute slots for each account.
#include "submission/allowance.h"

#include <fmt/format.h>

#include <algorithm>

namespace postern::submission {

std::uint64_t recipient_hash(const mail::Address& address) {
  // FNV-1a: kept in state.db, so it must be the same in every release.
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : address.lookup_key()) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

Allowance::Allowance(const Clock& clock, const AllowanceLimits& limits, store::SendingBook* book)
    : clock_(clock), limits_(limits), book_(book) {
  if (book_ != nullptr) recall();
}

std::int64_t Allowance::slot_now() const {
  // The steady clock: setting the wall clock back or forward gives nobody a new day.
  return std::chrono::duration_cast<std::chrono::seconds>(clock_.steady().time_since_epoch()).count() / slot_seconds;
}

/// What the ledger has, its wall-clock times laid onto the steady clock of today.
void Allowance::recall() {
  const UnixTime now = clock_.unix_now();
  const UnixTime day = slot_seconds * static_cast<UnixTime>(slots_per_day);
  auto known = book_->recall({.sent = now - day, .correspondents = now - std::chrono::seconds(known_for).count()});
  if (!known) return;  // the ledger has logged it
  for (const auto& row : known->sent) {
    const auto age = std::max<UnixTime>(now - row.slot, 0) / slot_seconds;
    if (age >= static_cast<UnixTime>(slots_per_day)) continue;
    auto& used = current(row.account);
    auto& slot = slot_of(used, used.newest + static_cast<std::int64_t>(slots_per_day) - age);
    slot.messages += row.messages;
    slot.recipients += row.recipients;
    slot.fresh += row.fresh;
  }
  for (const auto& row : known->correspondents) {
    auto& set = known_[row.account];
    if (set.size() < most_known) set.insert(row.hash);
  }
  for (auto& row : known->suspensions) suspended_[row.account] = std::move(row);
}

Allowance::Used& Allowance::current(mail::AccountId account) {
  const auto now = slot_now();
  const auto [found, fresh] = used_.try_emplace(account);
  auto& used = found->second;
  if (fresh || now - used.newest >= static_cast<std::int64_t>(slots_per_day)) {
    used.ring.fill({});
    used.newest = now;
  }
  for (; used.newest < now; ++used.newest) slot_of(used, used.newest + 1) = {};
  return used;
}

Allowance::Slot Allowance::sum(const Used& used, std::size_t slots) {
  Slot total;
  for (std::size_t back = 0; back < slots; ++back) {
    const auto& slot = used.ring[(static_cast<std::size_t>(used.newest) + slots_per_day - back) % slots_per_day];
    total.messages += slot.messages;
    total.recipients += slot.recipients;
    total.fresh += slot.fresh;
  }
  return total;
}

std::uint32_t Allowance::count_fresh(mail::AccountId account, const Spending& what) const {
  const auto known = known_.find(account);
  std::unordered_set<std::uint64_t> fresh;
  for (const auto hash : what.outside) {
    if (known == known_.end() || !known->second.contains(hash)) fresh.insert(hash);
  }
  return static_cast<std::uint32_t>(fresh.size());
}

std::string Allowance::objection(mail::AccountId account, const Spending& what, const AllowanceLimits& limits) {
  const auto& used = current(account);
  const auto hour = sum(used, slots_per_hour);
  const auto day = sum(used, slots_per_day);
  const auto beyond = [](std::size_t count, std::uint32_t limit, std::string_view unit) {
    return count > limit ? fmt::format("more than {} {}", limit, unit) : std::string();
  };
  for (auto text : {beyond(hour.messages + 1, limits.messages_per_hour, "messages in an hour"),
                    beyond(day.messages + 1, limits.messages_per_day, "messages in a day"),
                    beyond(hour.recipients + what.recipients, limits.recipients_per_hour, "recipients in an hour"),
                    beyond(day.recipients + what.recipients, limits.recipients_per_day, "recipients in a day"),
                    beyond(day.fresh + count_fresh(account, what), limits.new_recipients_per_day, "new recipients in a day")}) {
    if (!text.empty()) return text;
  }
  return {};
}

std::optional<store::SuspensionRow> Allowance::in_force(mail::AccountId account) {
  const auto found = suspended_.find(account);
  if (found == suspended_.end()) return std::nullopt;
  if (found->second.until == 0 || clock_.unix_now() < found->second.until) return found->second;
  suspended_.erase(found);
  if (book_ != nullptr) book_->lift(account);
  return std::nullopt;
}

std::optional<store::SuspensionRow> Allowance::suspension(mail::AccountId account) {
  const std::lock_guard lock(mutex_);
  return in_force(account);
}

void Allowance::suspend(mail::AccountId account, std::string reason, const AllowanceLimits& limits) {
  const UnixTime now = clock_.unix_now();
  store::SuspensionRow row{account, now, limits.suspend_for.count() == 0 ? 0 : now + limits.suspend_for.count(),
                           std::move(reason)};
  suspended_[account] = row;
  if (book_ != nullptr) book_->suspend(std::move(row));
}

bool Allowance::permits(mail::AccountId account, const Spending& what, const AllowanceLimits& limits) {
  store::SuspensionRow row;
  {
    const std::lock_guard lock(mutex_);
    if (in_force(account)) return false;
    auto reason = objection(account, what, limits);
    if (reason.empty()) return true;
    suspend(account, std::move(reason), limits);
    row = suspended_.at(account);
  }
  if (told_) told_(std::move(row));
  return false;
}

bool Allowance::spend(mail::AccountId account, const Spending& what, const AllowanceLimits& limits) {
  if (!permits(account, what, limits)) return false;
  const std::lock_guard lock(mutex_);
  auto& used = current(account);
  auto& slot = slot_of(used, used.newest);
  const Slot more{1, static_cast<std::uint32_t>(what.recipients), count_fresh(account, what)};
  slot.messages += more.messages;
  slot.recipients += more.recipients;
  slot.fresh += more.fresh;
  auto& known = known_[account];
  for (const auto hash : what.outside) {
    if (known.size() < most_known) known.insert(hash);
  }
  note(account, more, what);
  return true;
}

void Allowance::note(mail::AccountId account, const Slot& more, const Spending& what) {
  if (book_ == nullptr) return;
  const UnixTime now = clock_.unix_now();
  const UnixTime day = slot_seconds * static_cast<UnixTime>(slots_per_day);
  std::vector<store::CorrespondentRow> rows;
  for (const auto hash : what.outside) rows.push_back({account, hash, now});
  book_->note({account, now / slot_seconds * slot_seconds, more.messages, more.recipients, more.fresh}, std::move(rows),
              {.sent = now - day, .correspondents = now - std::chrono::seconds(known_for).count()});
}

bool Allowance::resume(mail::AccountId account) {
  const std::lock_guard lock(mutex_);
  if (!in_force(account)) return false;
  suspended_.erase(account);
  used_.erase(account);
  if (book_ == nullptr) return true;
  book_->lift(account);
  book_->forgive(account);
  return true;
}

std::vector<store::SuspensionRow> Allowance::suspensions() {
  const std::lock_guard lock(mutex_);
  std::vector<mail::AccountId> accounts;
  for (const auto& [account, row] : suspended_) accounts.push_back(account);
  std::ranges::sort(accounts);
  std::vector<store::SuspensionRow> out;
  for (const auto account : accounts) {
    if (auto row = in_force(account)) out.push_back(std::move(*row));
  }
  return out;
}

}  // namespace postern::submission
