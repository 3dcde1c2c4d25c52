// SPDX-License-Identifier: Apache-2.0
// Argon2id by libsodium, PBKDF2 and HMAC by OpenSSL. Intermediate keys are wiped.
#include "auth/verifier.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <sodium.h>

#include <array>
#include <cerrno>

#include "base/cursor.h"
#include "base/encoding.h"
#include "base/random.h"

namespace postern::auth {
namespace {

constexpr std::size_t scram_salt_octets = 16;
constexpr std::size_t scram_key_octets = 32;
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

std::string Verifier::serialise() const { return argon2 + "\n" + scram.auth_password(); }

Result<Verifier> Verifier::parse(std::string_view text) {
  Cursor in(text);
  Verifier out;
  out.argon2 = std::string(in.take_until('\n'));
  if (!out.argon2.starts_with("$argon2id$") || !in.take('\n')) return fail(ErrorKind::corrupt, "verifier without Argon2id");
  auto scram = ScramKeys::parse(in.rest());
  if (!scram) return std::unexpected(scram.error());
  out.scram = std::move(*scram);
  return out;
}

Result<Verifier> make_verifier(const Secret& password, const HashCost& cost) {
  std::array<char, crypto_pwhash_STRBYTES> argon2{};
  const auto text = password.reveal();
  if (crypto_pwhash_str_alg(argon2.data(), text.data(), text.size(), cost.argon2_ops, cost.argon2_memory,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return fail(ErrorKind::unavailable, "not enough memory to hash a password");
  }
  auto scram = derive_scram(password, random_octets(scram_salt_octets), cost.scram_iterations);
  if (!scram) return std::unexpected(scram.error());
  return Verifier{argon2.data(), std::move(*scram)};
}

Result<bool> matches(const Verifier& verifier, const Secret& password) {
  const auto text = password.reveal();
  errno = 0;
  if (crypto_pwhash_str_verify(verifier.argon2.c_str(), text.data(), text.size()) == 0) return true;
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
