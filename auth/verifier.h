// SPDX-License-Identifier: Apache-2.0
// Verifier: what is kept of a password. Argon2id for PLAIN and LOGIN, salted SCRAM-SHA-256 keys for SCRAM, both of the
// OpaqueString form. It leaves auth only sealed (auth/keyring.h): a thief would attack the cheaper of the two.
#pragma once

#include <string>
#include <string_view>

#include "auth/settings.h"
#include "base/result.h"
#include "base/secret.h"

namespace postern::auth {

/// RFC 5802 §3, with SHA-256 (RFC 7677).
struct ScramKeys {
  unsigned iterations = 0;
  std::string salt;        ///< raw octets
  std::string stored_key;  ///< 32 octets, H(ClientKey)
  std::string server_key;  ///< 32 octets
  /// "SCRAM-SHA-256$65536:salt$StoredKey:ServerKey", as RFC 5803 and Cyrus' authPassword write it.
  std::string auth_password() const;
  static Result<ScramKeys> parse(std::string_view auth_password);
  bool operator==(const ScramKeys&) const = default;
};

/// PBKDF2 and HMAC of RFC 5802 §3. Error internal when the library fails.
Result<ScramKeys> derive_scram(const Secret& password, std::string salt, unsigned iterations);

struct Verifier {
  std::string argon2;  ///< "$argon2id$…"
  ScramKeys scram;
  /// Two lines of text; to be sealed.
  std::string serialise() const;
  /// Error corrupt.
  static Result<Verifier> parse(std::string_view text);
};

/// Hashes with fresh salts. Slow: only on the pool. Errors: unavailable (no memory), internal.
Result<Verifier> make_verifier(const Secret& password, const HashCost& cost);
/// True when the password is right. Slow. Error unavailable when there was no memory to tell (security.md D68).
Result<bool> matches(const Verifier& verifier, const Secret& password);
/// Costs what matches() costs and is never right: for names that do not exist (security.md D67).
Result<bool> matches_nothing(const Secret& password, const HashCost& cost);

}  // namespace postern::auth
