// SPDX-License-Identifier: Apache-2.0
#include "store/quota.h"

#include <algorithm>
#include <utility>

#include "store/account_text.h"

namespace postern::store {

namespace {

constexpr std::uint64_t whole = 100;

/// used / limit in percent without overflow, rounded down.
unsigned percent_of(std::uint64_t used, std::uint64_t limit) {
  if (limit == 0) return 0;
  const long double share = static_cast<long double>(used) * whole / static_cast<long double>(limit);
  return static_cast<unsigned>(std::min<long double>(share, 10'000));
}

bool fits(std::uint64_t used, std::uint64_t more, std::uint64_t limit) {
  return limit == 0 || (used <= limit && more <= limit - used);
}

}  // namespace

bool Quota::has_room(std::uint64_t bytes, std::uint64_t messages) const {
  return fits(used_bytes, bytes, limit_bytes) && fits(used_messages, messages, limit_messages);
}

unsigned Quota::percent() const {
  return std::max(percent_of(used_bytes, limit_bytes), percent_of(used_messages, limit_messages));
}

QuotaHold::QuotaHold(QuotaHold&& other) noexcept
    : table_(std::exchange(other.table_, {})), account_(other.account_), bytes_(other.bytes_) {}

QuotaHold& QuotaHold::operator=(QuotaHold&& other) noexcept {
  std::swap(table_, other.table_);
  std::swap(account_, other.account_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

QuotaHold::~QuotaHold() {
  if (const auto table = table_.lock()) table->release(account_, bytes_);
}

Quota QuotaTable::account(AccountId account) const {
  const std::lock_guard lock(mutex_);
  const auto it = accounts_.find(account);
  return it == accounts_.end() ? Quota() : it->second.quota;
}

Quota QuotaTable::domain(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto it = domains_.find(name);
  return it == domains_.end() ? Quota() : it->second.quota;
}

bool QuotaTable::knows(AccountId account) const {
  const std::lock_guard lock(mutex_);
  return accounts_.contains(account);
}

void QuotaTable::set_account(AccountId account, const std::string& login, const Quota& quota) {
  const std::lock_guard lock(mutex_);
  Account& entry = accounts_[account];
  if (entry.login.empty()) entry.login = login;
  entry.quota = quota;
}

void QuotaTable::set_domain(const std::string& name, const Quota& quota) {
  const std::lock_guard lock(mutex_);
  domains_[name].quota = quota;
}

void QuotaTable::remove_account(AccountId account) {
  const std::lock_guard lock(mutex_);
  const auto it = accounts_.find(account);
  if (it == accounts_.end()) return;
  Domain& shared = domains_[std::string(domain_of_login(it->second.login))];
  shared.held.bytes -= it->second.held.bytes;
  shared.held.messages -= it->second.held.messages;
  accounts_.erase(it);
}

Result<QuotaHold> QuotaTable::hold(AccountId account, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto it = accounts_.find(account);
  if (it == accounts_.end()) return fail(ErrorKind::not_found, "no such account");
  Account& own = it->second;
  const std::string name(domain_of_login(own.login));
  Domain& shared = domains_[name];
  if (!own.quota.has_room(own.held.bytes + bytes, own.held.messages + 1)) {
    return fail(ErrorKind::over_quota, "the account " + own.login + " is over its quota");
  }
  if (!shared.quota.has_room(shared.held.bytes + bytes, shared.held.messages + 1)) {
    return fail(ErrorKind::over_quota, "the domain " + name + " is over its quota");
  }
  own.held.bytes += bytes;
  ++own.held.messages;
  shared.held.bytes += bytes;
  ++shared.held.messages;
  return QuotaHold(weak_from_this(), account, bytes);
}

void QuotaTable::release(AccountId account, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto it = accounts_.find(account);
  if (it == accounts_.end()) return;
  it->second.held.bytes -= bytes;
  --it->second.held.messages;
  Domain& shared = domains_[std::string(domain_of_login(it->second.login))];
  shared.held.bytes -= bytes;
  --shared.held.messages;
}

}  // namespace postern::store
