// SPDX-License-Identifier: Apache-2.0
// Cache of proven passwords: IMAP clients reconnect often, and a login that was hashed minutes ago need not be hashed again.
// Holds keyed hashes only, under a key that dies with the process. Thread-safe and bounded.
//
// Invariant: a password proven before drop(account) is not remembered after it, even when the check ends later: a check
// notes generation() before it reads the credentials and hands it to put().
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/secret.h"
#include "mail/identity.h"

namespace postern::auth {

class Cache {
 public:
  Cache(std::chrono::seconds ttl, std::size_t size, const Clock& clock);

  std::uint64_t generation() const;
  /// The kind of credential ("password") when this password was proven for the account within the time to live.
  std::optional<std::string> find(mail::AccountId account, const Secret& password) const;
  void put(mail::AccountId account, const Secret& password, std::string kind, std::uint64_t generation);
  void drop(mail::AccountId account);
  /// For what is proven from now on.
  void set_ttl(std::chrono::seconds ttl);

 private:
  using Hash = std::array<unsigned char, 32>;
  struct Entry {
    Hash hash{};
    std::string kind;
    Clock::Steady expires{};
  };
  Hash hash(mail::AccountId account, const Secret& password) const;
  /// Makes room: expired entries go, else an arbitrary one. The caller holds the mutex.
  void shrink();

  const std::size_t size_;
  const Clock& clock_;
  Secret key_;
  mutable std::mutex mutex_;
  std::chrono::seconds ttl_;
  std::uint64_t generation_ = 0;
  std::unordered_map<mail::AccountId, Entry> entries_;
};

}  // namespace postern::auth
