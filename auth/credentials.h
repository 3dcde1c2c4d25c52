// SPDX-License-Identifier: Apache-2.0
// Vault: sealed rows of store::Credentials on one side, opened verifiers on the other. The only place that seals and unseals.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "auth/keyring.h"
#include "auth/verifier.h"
#include "base/clock.h"
#include "base/result.h"
#include "store/credentials.h"

namespace postern::auth {

/// An opened row.
struct Credential {
  std::string kind;  ///< "password"
  Verifier verifier;
};

class Vault {
 public:
  Vault(store::Credentials& store, Keyring keyring) : store_(store), keyring_(std::move(keyring)) {}

  /// The account's main password; nothing when it has none. Synchronous: on the pool only. Account 0 belongs to nobody and
  /// costs the same query. Errors: as the store's, corrupt.
  Result<std::optional<Credential>> password_now(mail::AccountId account) const;
  /// Replaces the main password.
  async::Task<Result<>> replace_password(mail::AccountId account, Verifier verifier, UnixTime now);
  /// The present and former passwords, newest first, at most so many.
  async::Task<Result<std::vector<Verifier>>> history(mail::AccountId account, std::size_t most);
  /// Removes credentials whose account is not in the list (design.md §6); gives the ids.
  async::Task<Result<std::vector<mail::AccountId>>> remove_orphans(std::vector<mail::AccountId> accounts);

  ScramKeys fake_scram(std::string_view name, unsigned iterations) const { return keyring_.fake_scram(name, iterations); }

 private:
  Result<Verifier> open(mail::AccountId account, const std::string& sealed) const;
  store::Credentials& store_;
  Keyring keyring_;
};

/// The keyring of this data folder; made when there is neither a key file nor a credential. Error not_found when credentials
/// exist without their key: a new key would lock everybody out for good.
async::Task<Result<Keyring>> open_keyring(std::filesystem::path path, store::Credentials& store);

}  // namespace postern::auth
