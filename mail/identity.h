// SPDX-License-Identifier: Apache-2.0
// Identity and RelayRight: proofs, not data. Only a successful login can make an Identity; only a successful login or the
// trusted-network listener can make a RelayRight (product.md promise 2). Port 25 has no way to make or hold one.
#pragma once

#include <cstdint>
#include <string>

namespace postern::auth {
class IdentityIssuer;
}
namespace postern::submission {
class TrustedNetwork;
}

namespace postern::mail {

using AccountId = std::uint32_t;

/// Who has logged in. The store re-checks every mailbox call against it.
class Identity {
 public:
  AccountId account() const { return account_; }
  /// The login name as canonicalised: "alice@example.org".
  const std::string& login() const { return login_; }
  bool operator==(const Identity&) const = default;

 private:
  friend class auth::IdentityIssuer;
  Identity(AccountId account, std::string login) : account_(account), login_(std::move(login)) {}
  AccountId account_;
  std::string login_;
};

/// The right to have mail carried to recipients that are not ours.
class RelayRight {
 public:
  /// The account on whose behalf; 0 for a trusted network.
  AccountId account() const { return account_; }

 private:
  friend class auth::IdentityIssuer;
  friend class submission::TrustedNetwork;
  explicit RelayRight(AccountId account) : account_(account) {}
  AccountId account_;
};

}  // namespace postern::mail
