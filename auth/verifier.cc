// SPDX-License-Identifier: Apache-2.0
// Argon2id and BLAKE2b by libsodium, PBKDF2 and HMAC by OpenSSL. Intermediate keys are wiped.
#include "auth/verifier.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <sodium.h>

#include <array>
#include <cerrno>

#include "auth/imported_hash.h"
#include "base/cursor.h"
#include "base/encoding.h"
#include "base/random.h"

namespace postern::auth {
namespace {

constexpr std::size_t scram_key_octets = 32;
constexpr std::size_t app_salt_octets = 16;
constexpr std::size_t app_hash_octets = 32;
constexpr std::string_view argon2_prefix = "$argon2id$";
constexpr std::string_view app_prefix = "app$";
constexpr std::string_view scram_name = "SCRAM-SHA-256";
/// Upper bound for what a stored row may ask of us.
constexpr unsigned most_iterations = 10'000'000;

std::string random_octets(std::size_t n) {
  std::string out(n, '\0');
  random::fill(std::as_writable_bytes(std::span(out)));
  return out;
}

const unsigned char* octets(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

/// HMAC-SHA-256; empty when OpenSSL fails.
std::string hmac(std::string_view key, std::string_view text) {
  std::string out(scram_key_octets, '\0');
  unsigned size = 0;
  const auto* done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), octets(text), text.size(),
                          reinterpret_cast<unsigned char*>(out.data()), &size);
  return done != nullptr && size == out.size() ? out : std::string();
}

std::string sha256(std::string_view text) {
  std::string out(scram_key_octets, '\0');
  SHA256(octets(text), text.size(), reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

/// BLAKE2b keyed with the salt.
std::string app_hash(const Secret& password, std::string_view salt) {
  std::string out(app_hash_octets, '\0');
  const auto text = password.reveal();
  crypto_generichash(reinterpret_cast<unsigned char*>(out.data()), out.size(), octets(text), text.size(), octets(salt),
                     salt.size());
  return out;
}

Result<bool> matches_app(std::string_view hash, const Secret& password) {
  Cursor in(hash);
  in.take(app_prefix);
  const auto salt = base64_decode(in.take_until('$'));
  in.take('$');
  const auto expected = base64_decode(in.rest());
  if (!salt || salt->size() != app_salt_octets || !expected || expected->size() != app_hash_octets) {
    return fail(ErrorKind::corrupt, "an app password's hash is damaged");
  }
  return constant_time_equal(app_hash(password, *salt), *expected);
}

}  // namespace

std::string ScramKeys::auth_password() const {
  return fmt::format("{}${}:{}${}:{}", scram_name, iterations, base64_encode(salt), base64_encode(stored_key),
                     base64_encode(server_key));
}

// authPassword = scheme "$" iterations ":" salt "$" stored-key ":" server-key
// RFC 5803 §3
Result<ScramKeys> ScramKeys::parse(std::string_view auth_password) {
  Cursor in(auth_password);
  ScramKeys out;
  if (!in.take(scram_name) || !in.take('$')) return fail(ErrorKind::corrupt, "not a SCRAM-SHA-256 verifier");
  const auto iterations = in.take_number(most_iterations);
  if (!iterations || *iterations == 0 || !in.take(':')) return fail(ErrorKind::corrupt, "SCRAM verifier without iterations");
  out.iterations = static_cast<unsigned>(*iterations);
  const auto salt = base64_decode(in.take_until('$'));
  in.take('$');
  const auto stored = base64_decode(in.take_until(':'));
  in.take(':');
  const auto server = base64_decode(in.rest());
  if (!salt || salt->empty() || !stored || stored->size() != scram_key_octets || !server || server->size() != scram_key_octets) {
    return fail(ErrorKind::corrupt, "SCRAM verifier with broken keys");
  }
  out.salt = *salt;
  out.stored_key = *stored;
  out.server_key = *server;
  return out;
}

// RFC 5802 §3
Result<ScramKeys> derive_scram(const Secret& password, std::string salt, unsigned iterations) {
  std::string salted(scram_key_octets, '\0');
  const auto text = password.reveal();
  const int done = PKCS5_PBKDF2_HMAC(text.data(), static_cast<int>(text.size()), octets(salt), static_cast<int>(salt.size()),
                                     static_cast<int>(iterations), EVP_sha256(), static_cast<int>(salted.size()),
                                     reinterpret_cast<unsigned char*>(salted.data()));
  std::string client_key = done == 1 ? hmac(salted, "Client Key") : std::string();
  std::string server_key = done == 1 ? hmac(salted, "Server Key") : std::string();
  wipe(salted);
  if (client_key.empty() || server_key.empty()) return fail(ErrorKind::internal, "PBKDF2 failed");
  ScramKeys out{iterations, std::move(salt), sha256(client_key), std::move(server_key)};
  wipe(client_key);
  return out;
}

std::string Verifier::serialise() const {
  std::string out = hash + "\n";
  for (const auto& keys : scram) out += keys.auth_password() + "\n";
  if (!scram.empty()) out.pop_back();
  return out;
}

Result<Verifier> Verifier::parse(std::string_view text) {
  Cursor in(text);
  Verifier out;
  out.hash = std::string(in.take_until('\n'));
  const bool ours = out.hash.starts_with(argon2_prefix) || out.hash.starts_with(app_prefix);
  if ((!ours && !is_imported(out.hash)) || !in.take('\n')) return fail(ErrorKind::corrupt, "verifier without a hash");
  while (!in.at_end()) {
    auto keys = ScramKeys::parse(in.take_until('\n'));
    if (!keys) return std::unexpected(keys.error());
    out.scram.push_back(std::move(*keys));
    in.take('\n');
  }
  if (ours && out.scram.empty()) return fail(ErrorKind::corrupt, "verifier without SCRAM keys");
  return out;
}

ScramChallenge challenge_of(const Verifier& verifier) { return {verifier.scram.front().salt, verifier.scram.front().iterations}; }

Result<Verifier> make_verifier(const Secret& password, const HashCost& cost, const ScramChallenge& challenge) {
  std::array<char, crypto_pwhash_STRBYTES> argon2{};
  const auto text = password.reveal();
  if (crypto_pwhash_str_alg(argon2.data(), text.data(), text.size(), cost.argon2_ops, cost.argon2_memory,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return fail(ErrorKind::unavailable, "not enough memory to hash a password");
  }
  auto scram = derive_scram(password, challenge.salt, challenge.iterations);
  if (!scram) return std::unexpected(scram.error());
  return Verifier{argon2.data(), {std::move(*scram)}};
}

Result<Verifier> make_app_verifier(const Secret& password, const std::vector<Secret>& spellings,
                                   const ScramChallenge& challenge) {
  Verifier out;
  const auto salt = random_octets(app_salt_octets);
  out.hash = fmt::format("{}{}${}", app_prefix, base64_encode(salt), base64_encode(app_hash(password, salt)));
  for (const auto& spelling : spellings) {
    auto keys = derive_scram(spelling, challenge.salt, challenge.iterations);
    if (!keys) return std::unexpected(keys.error());
    out.scram.push_back(std::move(*keys));
  }
  return out;
}

bool needs_rehash(const Verifier& verifier, const HashCost& cost) {
  if (verifier.hash.starts_with(app_prefix)) return false;
  if (!verifier.hash.starts_with(argon2_prefix)) return true;
  return crypto_pwhash_str_needs_rehash(verifier.hash.c_str(), cost.argon2_ops, cost.argon2_memory) != 0;
}

Result<bool> matches(const Verifier& verifier, const Secret& password) {
  if (is_imported(verifier.hash)) return matches_imported(verifier.hash, password);
  if (verifier.hash.starts_with(app_prefix)) return matches_app(verifier.hash, password);
  const auto text = password.reveal();
  errno = 0;
  if (crypto_pwhash_str_verify(verifier.hash.c_str(), text.data(), text.size()) == 0) return true;
  // libsodium sets EINVAL for a mismatch alone; anything else means that it could not tell.
  if (errno != EINVAL) return fail(ErrorKind::unavailable, "a password could not be hashed");
  return false;
}

Result<bool> matches_nothing(const Secret& password, const HashCost& cost) {
  constexpr std::array<unsigned char, crypto_pwhash_SALTBYTES> salt{};
  std::array<unsigned char, 32> out{};
  const auto text = password.reveal();
  const int done = crypto_pwhash(out.data(), out.size(), text.data(), text.size(), salt.data(), cost.argon2_ops,
                                 cost.argon2_memory, crypto_pwhash_ALG_ARGON2ID13);
  sodium_memzero(out.data(), out.size());
  if (done != 0) return fail(ErrorKind::unavailable, "a password could not be hashed");
  return false;
}

}  // namespace postern::auth
