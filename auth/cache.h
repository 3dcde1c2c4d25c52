// SPDX-License-Identifier: Apache-2.0
// Cache of proven passwords: IMAP clients reconnect often, and a login that was hashed minutes ago need not be hashed again.
// Holds keyed hashes only, under a key that dies with the process, some for each account: devices have passwords of their own.
// Thread-safe and bounded. What a credential may be used for is checked at each login, not here.
//
// Invariant: a password proven before drop(account) is not remembered after it, even when the check ends later: a check
// notes generation() before it reads the credentials and hands it to put().
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "mail/identity.h"
#include "store/credentials.h"

namespace postern::auth {

class Cache {
 public:
  Cache(std::chrono::seconds ttl, std::size_t size, const Clock& clock);

  std::uint64_t generation() const;
  /// The credential (without its verifier) that this password was proven to be within the time to live.
  std::optional<store::CredentialRow> find(mail::AccountId account, const Secret& password) const;
  void put(mail::AccountId account, const Secret& password, store::CredentialRow credential, std::uint64_t generation);
  void drop(mail::AccountId account);
  /// For what is proven from now on.
  void set_ttl(std::chrono::seconds ttl);

 private:
  using Hash = std::array<unsigned char, 32>;
  struct Entry {
    Hash hash{};
    store::CredentialRow credential;
    Clock::Steady expires{};
  };
  Hash hash(mail::AccountId account, const Secret& password) const;
  /// Makes room: expired entries go, else an arbitrary one. The caller holds the mutex.
  void shrink();

  static constexpr std::size_t most_of_account = 8;
  const std::size_t size_;  ///< accounts
  const Clock& clock_;
  Secret key_;
  mutable std::mutex mutex_;
  std::chrono::seconds ttl_;
  std::uint64_t generation_ = 0;
  std::unordered_map<mail::AccountId, std::vector<Entry>> entries_;  ///< oldest first
};

}  // namespace postern::auth
