// SPDX-License-Identifier: Apache-2.0
// Steward: the machine's admin, who acts on an account's mailboxes without its password (import, export, undelete). It gives an
// Identity for the store, never a RelayRight: nothing can be sent in somebody's name this way. For the rooms behind the control
// socket (mode 0600) and the command line only.
#pragma once

#include "auth/directory.h"
#include "auth/issuer.h"

namespace postern::auth {

class Steward {
 public:
  explicit Steward(const Directory& directory) : directory_(directory) {}
  /// Acts for this account, also when it is disabled. Error not_found, with the remedy.
  Result<mail::Identity> act_for(std::string_view login) const {
    const auto row = directory_.account(login);
    if (!row)
      return fail(ErrorKind::not_found, "there is no account " + std::string(login) + "; `postern account list` shows all");
    return IdentityIssuer::identity(row->id, row->login);
  }

 private:
  const Directory& directory_;
};

}  // namespace postern::auth
