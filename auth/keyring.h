// SPDX-License-Identifier: Apache-2.0
// Keyring: the key file of auth and what is derived from it. Seals credential rows (XChaCha20-Poly1305, bound to the account
// id, so that rows cannot be swapped) and makes the deterministic verifiers that unknown names are answered with.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "auth/verifier.h"
#include "base/result.h"
#include "base/secret.h"
#include "mail/identity.h"

namespace postern::auth {

class Keyring {
 public:
  /// Reads 32 octets. Errors: not_found, denied (group or others may read it), corrupt (wrong size), io.
  static Result<Keyring> open(const std::filesystem::path& path);
  /// Makes a new random key, mode 0600, durable before it returns. Errors: exists, io.
  static Result<Keyring> create(const std::filesystem::path& path);

  /// Version octet, 24 octets nonce, ciphertext with tag.
  std::string seal(mail::AccountId account, std::string_view plain) const;
  /// Error corrupt: another key, another account, or damaged.
  Result<Secret> unseal(mail::AccountId account, std::string_view sealed) const;

  /// What SCRAM tells about a name that has no password: the same at every start, as a real account's would be.
  ScramKeys fake_scram(std::string_view name, unsigned iterations) const;

 private:
  explicit Keyring(Secret key);
  Secret seal_key_;
  Secret fake_key_;
};

}  // namespace postern::auth
