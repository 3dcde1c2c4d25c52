// SPDX-License-Identifier: Apache-2.0
// Verifier: what is kept of a password. A hash for PLAIN and LOGIN and salted SCRAM-SHA-256 keys for SCRAM, both of the
// OpaqueString form. It leaves auth only sealed (auth/keyring.h): a thief would attack the cheaper of the two.
//
// SCRAM tells the client one salt and one count before it knows which of an account's passwords comes. So all SCRAM keys of an
// account share both: the salt is derived from its name (Keyring), and a name that nobody has gets its salt in the same way.
#pragma once

#include <string>
#include <string_view>
#include <vector>

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

/// What SCRAM tells before the proof.
struct ScramChallenge {
  std::string salt;  ///< raw octets
  unsigned iterations = 0;
  bool operator==(const ScramChallenge&) const = default;
};

/// PBKDF2 and HMAC of RFC 5802 §3. Error internal when the library fails.
Result<ScramKeys> derive_scram(const Secret& password, std::string salt, unsigned iterations);

struct Verifier {
  std::string hash;  ///< "$argon2id$…" of ours, "app$…" of an app password, or "{SCHEME}…" imported (auth/imported_hash.h)
  std::vector<ScramKeys> scram;  ///< one for each way to type it; none for an imported hash
  /// A line for the hash and one for each key; to be sealed.
  std::string serialise() const;
  /// Error corrupt.
  static Result<Verifier> parse(std::string_view text);
  bool operator==(const Verifier&) const = default;
};

/// What SCRAM says for this verifier; it must have keys.
ScramChallenge challenge_of(const Verifier& verifier);

/// Hashes with Argon2id and a fresh salt of its own, and derives SCRAM keys for the challenge. Slow: only on the pool. Errors:
/// unavailable (no memory), internal.
Result<Verifier> make_verifier(const Secret& password, const HashCost& cost, const ScramChallenge& challenge);
/// The verifier of a random password of 100 bits: no stretching is needed. `spellings` are the ways to type it that SCRAM may
/// meet; the hash is of `password`. Slow, for PBKDF2. Error internal.
Result<Verifier> make_app_verifier(const Secret& password, const std::vector<Secret>& spellings, const ScramChallenge& challenge);
/// True when the hash is not what make_verifier() would make with this cost: imported, or of another configuration.
bool needs_rehash(const Verifier& verifier, const HashCost& cost);
/// True when the password is right. Slow, but for app passwords. Error unavailable when there was no memory to tell (security.md
/// D68).
Result<bool> matches(const Verifier& verifier, const Secret& password);
/// Costs what matches() costs and is never right: for names that do not exist (security.md D67).
Result<bool> matches_nothing(const Secret& password, const HashCost& cost);

}  // namespace postern::auth
