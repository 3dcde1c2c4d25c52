// SPDX-License-Identifier: Apache-2.0
// One SlidingDay for each account.
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

Allowance::Slot& Allowance::Slot::operator+=(const Slot& more) {
  messages += more.messages;
  recipients += more.recipients;
  fresh += more.fresh;
  return *this;
}

/// What the ledger has, its wall-clock times laid onto the steady clock of today.
void Allowance::recall() {
  const UnixTime now = clock_.unix_now();
  const UnixTime day = Used::slot_seconds * static_cast<UnixTime>(Used::slots_per_day);
  auto known = book_->recall({.sent = now - day, .correspondents = now - std::chrono::seconds(known_for).count()});
  if (!known) return;  // the ledger has logged it
  for (const auto& row : known->sent) {
    const auto age = std::max<UnixTime>(now - row.slot, 0) / Used::slot_seconds;
    if (age < static_cast<UnixTime>(Used::slots_per_day)) {
      current(row.account).back(age) += {row.messages, row.recipients, row.fresh};
    }
  }
  for (const auto& row : known->correspondents) {
    auto& set = known_[row.account];
    if (set.size() < most_known) set.insert(row.hash);
  }
  for (auto& row : known->suspensions) suspended_[row.account] = std::move(row);
}

Allowance::Used& Allowance::current(mail::AccountId account) {
  const auto now = Used::slot_at(clock_);
  auto& used = used_.try_emplace(account, now).first->second;
  used.move_to(now);
  return used;
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
  const auto hour = used.hour();
  const auto day = used.day();
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
  const Slot more{1, static_cast<std::uint32_t>(what.recipients), count_fresh(account, what)};
  current(account).back(0) += more;
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
  const UnixTime day = Used::slot_seconds * static_cast<UnixTime>(Used::slots_per_day);
  std::vector<store::CorrespondentRow> rows;
  for (const auto hash : what.outside) rows.push_back({account, hash, now});
  book_->note({account, now / Used::slot_seconds * Used::slot_seconds, more.messages, more.recipients, more.fresh},
              std::move(rows), {.sent = now - day, .correspondents = now - std::chrono::seconds(known_for).count()});
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
