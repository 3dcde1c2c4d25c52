// SPDX-License-Identifier: Apache-2.0
// Office: what the admin, and later the user behind a login, does with the credentials of an account: app passwords, imported
// hashes, whether the main password opens mail protocols, the record of logins. Every change takes effect at once: what was
// proven before is forgotten, and sessions on a credential that is gone end.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/task.h"
#include "auth/app_passwords.h"
#include "auth/backroom.h"
#include "auth/ban_desk.h"
#include "base/result.h"
#include "base/secret.h"
#include "store/accounts.h"
#include "store/credentials.h"

namespace postern::auth {

struct Workshop;

/// An app password that was just made: the only time that anybody sees it.
struct NewAppPassword {
  store::CredentialId id = 0;
  Secret password;  ///< "k3vq2-…"
};

class Office {
 public:
  explicit Office(std::shared_ptr<Workshop> workshop) : workshop_(workshop), bans_(std::move(workshop)) {}

  /// Makes one. Errors: not_found (account), invalid, limit, exists (the label), unavailable.
  async::Task<Result<NewAppPassword>> add_app_password(store::AccountId account, AppRules rules);
  /// Rows without verifiers, oldest first.
  async::Task<Result<std::vector<store::CredentialRow>>> app_passwords(store::AccountId account);
  /// By label. Gives how many sessions it ended. Error not_found.
  async::Task<Result<std::size_t>> revoke_app_password(store::AccountId account, std::string label);

  /// Takes over a hash of another server as the main password. Errors: those of check_imported(), not_found, the store's.
  async::Task<Result<>> set_imported(store::AccountId account, std::string hash);

  async::Task<Result<store::LoginPolicy>> policy(store::AccountId account);
  /// When the main password opens mail protocols no more, the sessions that it opened end.
  async::Task<Result<>> set_policy(store::AccountId account, store::LoginPolicy policy);

  /// The account was disabled: its sessions end. Gives their number.
  std::size_t shut_out(const store::AccountRow& account);
  /// The account may log in again: passwords that were refused while it could not are tried anew.
  void let_in(const store::AccountRow& account);
  /// The account is gone: so are its credentials and sessions.
  async::Task<Result<>> forget_account(store::AccountRow account);

  /// Who may not connect, and why.
  BanDesk& bans() { return bans_; }

  /// Newest first; logins of the last moment included.
  async::Task<Result<std::vector<store::LoginRow>>> logins(store::LoginQuery query);
  /// Who tells an account about its first login from a network.
  void on_new_network(NewNetworkNotice notice);
  /// Finishes what logins left behind and takes no more; before the store closes.
  void finish();

 private:
  Result<store::AccountRow> find(store::AccountId account) const;
  std::shared_ptr<Workshop> workshop_;
  BanDesk bans_;
};

}  // namespace postern::auth
