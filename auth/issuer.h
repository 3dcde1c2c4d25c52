// SPDX-License-Identifier: Apache-2.0
// IdentityIssuer: the only maker of mail::Identity and of the RelayRight that comes with a login. Its functions are private;
// the compiler lets only LoginDesk (auth/desk.h), which has just checked a password or a SCRAM proof, call them; and Steward
// (auth/steward.h), the machine's admin, who gets an Identity and no RelayRight.
#pragma once

#include <string>

#include "mail/identity.h"

namespace postern::auth {

class IdentityIssuer {
 private:
  friend class LoginDesk;
  friend class Steward;            ///< identity() alone
  friend struct IdentityForTests;  ///< defined in tests/support/identity.h only

  static mail::Identity identity(mail::AccountId account, std::string login) { return mail::Identity(account, std::move(login)); }
  static mail::RelayRight relay(mail::AccountId account) { return mail::RelayRight(account); }
};

}  // namespace postern::auth
