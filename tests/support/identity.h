// SPDX-License-Identifier: Apache-2.0
// Identities and relay rights for tests, which have no login to make them from.
#pragma once

#include <string>

#include "auth/issuer.h"

namespace postern::auth {

struct IdentityForTests {
  static mail::Identity identity(mail::AccountId account, std::string login = "alice@example.org") {
    return IdentityIssuer::identity(account, std::move(login));
  }
  static mail::RelayRight relay(mail::AccountId account) { return IdentityIssuer::relay(account); }
};

}  // namespace postern::auth

namespace postern::test {

inline mail::Identity identity(mail::AccountId account, std::string login = "alice@example.org") {
  return auth::IdentityForTests::identity(account, std::move(login));
}
inline mail::RelayRight relay_right(mail::AccountId account) { return auth::IdentityForTests::relay(account); }

}  // namespace postern::test
