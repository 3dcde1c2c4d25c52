// SPDX-License-Identifier: Apache-2.0
// Quotas: how much an account or a domain keeps and may keep, and the room that messages on their way have been promised.
// QuotaTable is what sessions read at RCPT and SIZE while the writer publishes what is true; thread-safe.
// Invariant: what is held is only a promise of this process. The transaction that stores a message settles exactly, so a
// hold can refuse too early by one message that is being settled, never too late.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "store/ids.h"

namespace postern::store {

/// Limits of 0 mean unlimited.
struct Quota {
  std::uint64_t used_bytes = 0;
  std::uint64_t used_messages = 0;
  std::uint64_t limit_bytes = 0;
  std::uint64_t limit_messages = 0;

  bool limited() const { return limit_bytes != 0 || limit_messages != 0; }
  /// Whether so much more fits.
  bool has_room(std::uint64_t bytes, std::uint64_t messages) const;
  /// The fuller of bytes and messages, in percent rounded down; 0 without limits.
  unsigned percent() const;
};

struct AccountQuota {
  std::string login;
  Quota quota;
};

class QuotaTable;

/// Room kept for one message. Gives it back when it goes.
class QuotaHold {
 public:
  QuotaHold() = default;
  QuotaHold(QuotaHold&& other) noexcept;
  QuotaHold& operator=(QuotaHold&& other) noexcept;
  ~QuotaHold();

 private:
  friend class QuotaTable;
  QuotaHold(std::weak_ptr<QuotaTable> table, AccountId account, std::uint64_t bytes)
      : table_(std::move(table)), account_(account), bytes_(bytes) {}

  std::weak_ptr<QuotaTable> table_;
  AccountId account_ = 0;
  std::uint64_t bytes_ = 0;
};

class QuotaTable : public std::enable_shared_from_this<QuotaTable> {
 public:
  /// Empty when there is no such account.
  Quota account(AccountId account) const;
  Quota domain(const std::string& name) const;
  bool knows(AccountId account) const;
  void set_account(AccountId account, const std::string& login, const Quota& quota);
  void set_domain(const std::string& name, const Quota& quota);
  void remove_account(AccountId account);
  /// Errors: not_found, over_quota (the text names the account or the domain).
  Result<QuotaHold> hold(AccountId account, std::uint64_t bytes);

 private:
  friend class QuotaHold;
  struct Held {
    std::uint64_t bytes = 0;
    std::uint64_t messages = 0;
  };
  struct Account {
    std::string login;
    Quota quota;
    Held held;
  };
  struct Domain {
    Quota quota;
    Held held;
  };
  void release(AccountId account, std::uint64_t bytes);

  mutable std::mutex mutex_;
  std::unordered_map<AccountId, Account> accounts_;
  std::unordered_map<std::string, Domain> domains_;
};

}  // namespace postern::store
