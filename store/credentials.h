// SPDX-License-Identifier: Apache-2.0
// auth.db: sealed verifiers, keyed by account id. The store sees only ciphertext; auth holds the key (security.md §4.6).
#pragma once

#include <string>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"
#include "store/ids.h"

namespace postern::store {

using CredentialId = std::uint64_t;

struct CredentialRow {
  CredentialId id = 0;  ///< given by the store
  AccountId account = 0;
  std::string kind;    ///< "password" or "app"
  std::string label;   ///< device name of an app password
  std::string sealed;  ///< AEAD ciphertext of the verifier, associated data = account id
  UnixTime created = 0;
  bool operator==(const CredentialRow&) const = default;
};

/// Errors: not_found, io, unavailable.
class Credentials {
 public:
  virtual ~Credentials() = default;
  virtual async::Task<Result<std::vector<CredentialRow>>> get(AccountId account) = 0;
  /// Synchronous reading for the SASL plug-in, which runs on a thread of auth's pool.
  virtual Result<std::vector<CredentialRow>> get_now(AccountId account) = 0;
  virtual async::Task<Result<CredentialId>> add(CredentialRow row) = 0;
  /// Replaces the account's main password in one transaction and keeps the old row's sealed verifier in the history.
  virtual async::Task<Result<CredentialId>> set_password(CredentialRow row) = 0;
  virtual async::Task<Result<>> remove(AccountId account, CredentialId id) = 0;
  virtual async::Task<Result<>> remove_all(AccountId account) = 0;
  /// Sealed verifiers of former passwords, newest first.
  virtual async::Task<Result<std::vector<std::string>>> history(AccountId account, std::size_t most) = 0;
  /// Accounts that have rows, so that start-up can remove those without account.
  virtual async::Task<Result<std::vector<AccountId>>> owners() = 0;
};

}  // namespace postern::store
