// SPDX-License-Identifier: Apache-2.0
// Vault: sealed rows of store::Credentials on one side, opened verifiers on the other. The only place that seals and unseals.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "auth/app_passwords.h"
#include "auth/keyring.h"
#include "auth/verifier.h"
#include "base/clock.h"
#include "base/result.h"
#include "store/credentials.h"

namespace postern::auth {

/// An opened row.
struct Credential {
  store::CredentialRow row;
  Verifier verifier;
  bool is_app() const { return row.kind == app_kind; }
};

/// All that an account may log in with, of one moment.
struct Wallet {
  std::vector<Credential> credentials;
  /// What nobody has, in the place of the credentials when there are none: for work that must cost the same (security.md D67).
  std::vector<Credential> decoys;
  store::LoginPolicy policy;
  /// The main password's; null when there is none.
  const Credential* password() const;
  /// What SCRAM says for the account's app passwords, all of which share it. Nothing: it has none.
  std::optional<ScramChallenge> app_challenge() const;
};

class Vault {
 public:
  Vault(store::Credentials& store, Keyring keyring);

  /// Synchronous: on the pool only. Account 0 belongs to nobody, and like any that has no credential costs the same query and
  /// the same opening of one (security.md D67). Errors: as the store's, corrupt.
  Result<Wallet> wallet_now(mail::AccountId account) const;
  /// The row of the main password; 0 when there is none.
  async::Task<Result<store::CredentialId>> password_id(mail::AccountId account);
  /// Replaces the main password.
  async::Task<Result<>> replace_password(mail::AccountId account, Verifier verifier, UnixTime now);
  /// The present and former passwords, newest first, at most so many.
  async::Task<Result<std::vector<Verifier>>> history(mail::AccountId account, std::size_t most);
  /// Removes credentials whose account is not in the list (design.md §6); gives the ids.
  async::Task<Result<std::vector<mail::AccountId>>> remove_orphans(std::vector<mail::AccountId> accounts);

  /// Adds an app password; the row needs its account.
  async::Task<Result<store::CredentialId>> add(store::CredentialRow row, const Verifier& verifier);
  /// The same password in another form; error conflict when the row has changed. Waits: not on an I/O thread.
  Result<> replace_now(const store::CredentialRow& row, const Verifier& verifier);

  /// What SCRAM tells about a name that has no password, and the salt of one that gets its first: keyed hashes of the name.
  ScramKeys fake_scram(std::string_view name, unsigned iterations) const { return keyring_.fake_scram(name, iterations); }
  /// For a new main password: that of the app passwords, or the name's own.
  ScramChallenge challenge_for_password(const Wallet& wallet, std::string_view name, unsigned iterations) const;
  /// For a new app password: that of the others, of the main password, or the name's own.
  ScramChallenge challenge_for_app(const Wallet& wallet, std::string_view name, unsigned iterations) const;

 private:
  ScramChallenge challenge_of_name(std::string_view name, unsigned iterations) const;
  Result<Verifier> open(mail::AccountId account, const std::string& sealed) const;
  store::Credentials& store_;
  Keyring keyring_;
  std::string decoy_;  ///< a sealed verifier of account 0, which nobody has
};

/// The keyring of this data folder; made when there is neither a key file nor a credential. Error not_found when credentials
/// exist without their key: a new key would lock everybody out for good.
async::Task<Result<Keyring>> open_keyring(std::filesystem::path path, store::Credentials& store);

}  // namespace postern::auth
