// SPDX-License-Identifier: Apache-2.0
// auth.db: sealed verifiers keyed by account id, what each credential may be used for, the record of logins and the networks
// that accounts log in from. The store sees only ciphertext; auth holds the key (security.md §4.6).
//
// Lists inside a column are text with commas ("imap,pop3", "192.0.2.0/24,2001:db8::/32"): the store does not read them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"
#include "store/ids.h"

namespace postern::store {

using CredentialId = std::uint64_t;

/// When and from where a credential was used last. `at` 0: never.
struct CredentialUse {
  UnixTime at = 0;
  std::string ip;
  std::string protocol;
  bool operator==(const CredentialUse&) const = default;
};

struct CredentialRow {
  CredentialId id = 0;  ///< given by the store, never used twice
  AccountId account = 0;
  std::string kind;    ///< "password" or "app"
  std::string label;   ///< device name of an app password
  std::string sealed;  ///< AEAD ciphertext of the verifier, associated data = account id
  UnixTime created = 0;
  std::string protocols;  ///< "imap,pop3,submission"; empty: all
  std::string networks;   ///< of clients; empty: from anywhere
  UnixTime expires = 0;   ///< 0: never
  CredentialUse last;
  bool operator==(const CredentialRow&) const = default;
};

/// What an account decided about its logins.
struct LoginPolicy {
  bool app_passwords_only = false;  ///< the main password opens no mail protocol
  bool operator==(const LoginPolicy&) const = default;
};

/// Everything that a login needs to know, of one moment.
struct CredentialSet {
  std::vector<CredentialRow> rows;  ///< oldest first
  LoginPolicy policy;
};

/// One attempt to log in.
struct LoginRow {
  AccountId account = 0;  ///< 0: nobody's
  UnixTime at = 0;
  std::string name;  ///< the account's name, or what was tried
  std::string protocol;
  std::string ip;
  CredentialId credential = 0;  ///< 0: none
  std::string label;            ///< "password", or the app password's label as it was then
  std::string mechanism;
  std::string outcome;  ///< "success" or why not
  std::string reason;   ///< more about it, for the admin
  std::string network;  ///< "192.0.2.0/24": to be known from now on. Only of a success; not kept with the row
  bool operator==(const LoginRow&) const = default;
};

/// A network that an account has logged in from.
struct KnownNetwork {
  AccountId account = 0;
  std::string network;
  UnixTime first = 0;
  UnixTime last = 0;
  bool operator==(const KnownNetwork&) const = default;
};

/// A main password that the gate would refuse today, found when it was used.
struct WeakRow {
  AccountId account = 0;
  CredentialId credential = 0;
  std::string reason;  ///< auth::to_string(Weakness), "common"
  UnixTime since = 0;  ///< found first
  bool operator==(const WeakRow&) const = default;
};

/// How long logins are remembered.
struct LoginRetention {
  UnixTime oldest = 0;         ///< rows from before this go
  std::size_t rows = 1000;     ///< newest successes, and newest failures, of each account; the same for those of nobody
  std::size_t networks = 100;  ///< of each account, those used last
};

/// What record_logins() found out.
struct NewNetwork {
  std::size_t row = 0;        ///< index of the login in the list
  bool first_of_all = false;  ///< the account had no network before
  std::size_t in_a_day = 0;   ///< networks of the account that became known in the day before this login, this one included
};

struct LoginQuery {
  std::optional<AccountId> account;  ///< nothing: all of them, and nobody's
  bool failed_only = false;
  UnixTime since = 0;
  std::size_t most = 100;
};

/// Errors: not_found, io, unavailable.
class Credentials {
 public:
  virtual ~Credentials() = default;
  virtual async::Task<Result<std::vector<CredentialRow>>> get(AccountId account) = 0;
  /// Synchronous reading for the SASL plug-in, which runs on a thread of auth's pool.
  virtual Result<CredentialSet> get_now(AccountId account) = 0;
  virtual async::Task<Result<CredentialId>> add(CredentialRow row) = 0;
  /// Replaces the account's main password in one transaction and keeps the old row's sealed verifier in the history.
  virtual async::Task<Result<CredentialId>> set_password(CredentialRow row) = 0;
  /// Puts another sealed verifier of the same password into a row: an imported hash becomes ours. Error conflict when the
  /// row holds something else than `old` by now.
  virtual async::Task<Result<>> replace_sealed(CredentialRow old, std::string sealed) = 0;
  virtual async::Task<Result<>> remove(AccountId account, CredentialId id) = 0;
  /// Credentials, history, policy and known networks; the record of logins stays until it is old.
  virtual async::Task<Result<>> remove_all(AccountId account) = 0;
  /// Sealed verifiers of former passwords, newest first.
  virtual async::Task<Result<std::vector<std::string>>> history(AccountId account, std::size_t most) = 0;
  /// Accounts that have rows, so that start-up can remove those without account.
  virtual async::Task<Result<std::vector<AccountId>>> owners() = 0;

  virtual async::Task<Result<LoginPolicy>> policy(AccountId account) = 0;
  virtual async::Task<Result<>> set_policy(AccountId account, LoginPolicy policy) = 0;

  /// Writes logins, notes the last use of their credentials and learns their networks, in one transaction; forgets what is
  /// beyond the retention. Gives the networks that were not known.
  virtual async::Task<Result<std::vector<NewNetwork>>> record_logins(std::vector<LoginRow> rows, LoginRetention keep) = 0;
  /// Newest first.
  virtual async::Task<Result<std::vector<LoginRow>>> logins(LoginQuery query) = 0;
  /// Of one account, or of all; by account, used last first.
  virtual async::Task<Result<std::vector<KnownNetwork>>> known_networks(std::optional<AccountId> account) = 0;
  /// Learns a network, or that it was used again at `last`.
  virtual async::Task<Result<>> add_known_network(KnownNetwork network) = 0;

  /// Notes a weak password. The flag goes with its credential: when that is replaced or removed, or was by now, there is none.
  /// Noting it again keeps `since`.
  virtual async::Task<Result<>> flag_weak(WeakRow row) = 0;
  /// Takes the flag of this credential back; no error when there is none.
  virtual async::Task<Result<>> clear_weak(CredentialId credential) = 0;
  /// By account.
  virtual async::Task<Result<std::vector<WeakRow>>> weak() = 0;
};

}  // namespace postern::store
