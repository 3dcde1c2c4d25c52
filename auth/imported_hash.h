// SPDX-License-Identifier: Apache-2.0
// Hashes that other mail servers made ("{SHA512-CRYPT}$6$…"): they verify until the first login, then our own verifier takes
// their place (auth/rehash.h). A foreign hash names its own cost, so the cost is checked when it is imported: none may take
// longer than about a second or more than 128 MiB.
//
// Schemes: {ARGON2ID} {BLF-CRYPT} {SHA512-CRYPT} {SHA256-CRYPT} {PBKDF2} {SSHA512}, as Dovecot writes them, and {CRYPT} before
// what crypt(3) made of one of these.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace postern::auth {

/// Largest costs of a hash that we take over.
inline constexpr std::uint64_t imported_argon2_kib = 128 * 1024;         ///< memory
inline constexpr std::uint64_t imported_argon2_kib_passes = 512 * 1024;  ///< memory times passes: about half a second
inline constexpr unsigned imported_bcrypt_cost = 14;                     ///< 2^14 rounds: about a second
inline constexpr std::uint64_t imported_crypt_rounds = 1'000'000;        ///< of SHA-256 or SHA-512
inline constexpr std::uint64_t imported_pbkdf2_rounds = 2'000'000;

/// Checks scheme, form and cost and gives the hash in the one spelling that we store. The scheme's case does not matter.
/// Errors: unsupported (another scheme; the text names ours), invalid (damaged), limit (too costly).
Result<std::string> check_imported(std::string_view text);

/// True for what check_imported() gives.
bool is_imported(std::string_view hash);
/// True when the password is right. Slow. Error unavailable when the library could not tell.
Result<bool> matches_imported(std::string_view hash, const Secret& password);

}  // namespace postern::auth
