// SPDX-License-Identifier: Apache-2.0
// One row of `schemes` for each: how it is recognised and how a password is tried. bcrypt and SHA-crypt are libcrypt's, Argon2id
// is libsodium's, PBKDF2 and SHA-512 are OpenSSL's.
#include "auth/imported_hash.h"

#include <crypt.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sodium.h>

#include <array>
#include <cerrno>
#include <memory>

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/encoding.h"

namespace postern::auth {
namespace {

constexpr std::size_t most_octets = 512;  ///< of a whole hash
constexpr std::uint64_t any_number = 4'294'967'295;

Error damaged(std::string_view scheme) { return {ErrorKind::invalid, fmt::format("this is no {} hash", scheme)}; }
Error too_costly(std::string_view scheme, std::string_view what) {
  return {ErrorKind::limit, fmt::format("this {} hash would take too long to check: at most {}", scheme, what)};
}

bool is_crypt_char(char c) { return ascii::is_alnum(c) || c == '.' || c == '/'; }
bool is_crypt_text(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_crypt_char); }

// ---- Argon2id: $argon2id$v=19$m=65536,t=2,p=1$salt$hash

Result<> check_argon2(std::string_view hash) {
  constexpr std::string_view name = "{ARGON2ID}";
  Cursor in(hash);
  if (!in.take("$argon2id$v=19$m=")) return std::unexpected(damaged(name));
  const auto memory = in.take_number(any_number);
  const bool passes_follow = in.take(",t=");
  const auto passes = in.take_number(any_number);
  const bool lanes_follow = in.take(",p=");
  const auto lanes = in.take_number(255);
  if (!memory || !passes_follow || !passes || !lanes_follow || !lanes || !in.take('$')) return std::unexpected(damaged(name));
  if (*memory > imported_argon2_kib) return std::unexpected(too_costly(name, "128 MiB of memory"));
  if (*passes > imported_argon2_kib_passes || *memory * *passes > imported_argon2_kib_passes) {
    return std::unexpected(too_costly(name, "512 MiB of memory times passes"));
  }
  // What is left is for libsodium to read: a password that cannot be right tells a damaged text (EINVAL without hashing) from a
  // sound one only by the form, so the form is looked at here.
  const auto is_base64 = [](char c) { return ascii::is_alnum(c) || c == '+' || c == '/'; };
  const auto salt = in.take_while(is_base64);
  if (salt.size() < 11 || !in.take('$')) return std::unexpected(damaged(name));
  if (in.take_while(is_base64).size() < 22 || !in.at_end()) return std::unexpected(damaged(name));
  return {};
}

Result<bool> try_argon2(std::string_view hash, std::string_view password) {
  const std::string text(hash);
  errno = 0;
  if (crypto_pwhash_str_verify(text.c_str(), password.data(), password.size()) == 0) return true;
  if (errno != EINVAL) return fail(ErrorKind::unavailable, "a password could not be hashed");
  return false;
}

// ---- crypt(3)

Result<> check_bcrypt(std::string_view hash) {
  constexpr std::string_view name = "{BLF-CRYPT}";
  constexpr std::size_t tail = 53;
  Cursor in(hash);
  if (!in.take("$2a$") && !in.take("$2b$") && !in.take("$2y$")) return std::unexpected(damaged(name));
  const auto digits = in.take_n(2);
  const auto cost = Cursor(digits).take_number(99);
  if (digits.size() != 2 || !cost || *cost < 4 || !in.take('$')) return std::unexpected(damaged(name));
  if (in.rest().size() != tail || !is_crypt_text(in.rest())) return std::unexpected(damaged(name));
  if (*cost > imported_bcrypt_cost) return std::unexpected(too_costly(name, "cost 14"));
  return {};
}

/// $5$ or $6$, perhaps rounds=N$, a salt of up to 16 characters and the hash.
Result<> check_sha_crypt(std::string_view name, std::string_view prefix, std::size_t octets, std::string_view hash) {
  Cursor in(hash);
  if (!in.take(prefix)) return std::unexpected(damaged(name));
  if (in.take("rounds=")) {
    const auto rounds = in.take_number(any_number);
    if (!rounds || *rounds < 1000 || !in.take('$')) return std::unexpected(damaged(name));
    if (*rounds > imported_crypt_rounds) return std::unexpected(too_costly(name, "1,000,000 rounds"));
  }
  const auto salt = in.take_until('$');
  const bool form = salt.size() <= 16 && (salt.empty() || is_crypt_text(salt)) && in.take('$');
  if (!form || in.rest().size() != octets || !is_crypt_text(in.rest())) return std::unexpected(damaged(name));
  return {};
}
Result<> check_sha512_crypt(std::string_view hash) { return check_sha_crypt("{SHA512-CRYPT}", "$6$", 86, hash); }
Result<> check_sha256_crypt(std::string_view hash) { return check_sha_crypt("{SHA256-CRYPT}", "$5$", 43, hash); }

Result<bool> try_crypt(std::string_view hash, std::string_view password) {
  const auto data = std::make_unique<crypt_data>();
  std::string secret(password);
  const std::string setting(hash);
  const char* made = crypt_r(secret.c_str(), setting.c_str(), data.get());
  const bool failed = made == nullptr || made[0] == '*';
  const bool same = !failed && constant_time_equal(made, setting);
  wipe(secret);
  sodium_memzero(data.get(), sizeof(crypt_data));
  if (failed) return fail(ErrorKind::unavailable, "libcrypt could not hash a password");
  return same;
}

// ---- PBKDF2 as Dovecot writes it: $1$salt$rounds$hex, with HMAC-SHA-1

struct Pbkdf2 {
  std::string_view salt;
  std::uint64_t rounds = 0;
  std::string key;
};

Result<Pbkdf2> read_pbkdf2(std::string_view hash) {
  const auto broken = std::unexpected(damaged("{PBKDF2}"));
  Cursor in(hash);
  Pbkdf2 out;
  if (!in.take("$1$")) return broken;
  out.salt = in.take_until('$');
  if (out.salt.empty() || !in.take('$')) return broken;
  const auto rounds = in.take_number(any_number);
  if (!rounds || *rounds == 0 || !in.take('$')) return broken;
  auto key = hex_decode(in.rest());
  if (!key || key->size() != SHA_DIGEST_LENGTH) return broken;
  out.rounds = *rounds;
  out.key = std::move(*key);
  return out;
}

Result<> check_pbkdf2(std::string_view hash) {
  const auto read = read_pbkdf2(hash);
  if (!read) return std::unexpected(read.error());
  if (read->rounds > imported_pbkdf2_rounds) return std::unexpected(too_costly("{PBKDF2}", "2,000,000 rounds"));
  return {};
}

Result<bool> try_pbkdf2(std::string_view hash, std::string_view password) {
  const auto read = read_pbkdf2(hash);
  if (!read) return std::unexpected(read.error());
  std::string made(read->key.size(), '\0');
  const int done = PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                                     reinterpret_cast<const unsigned char*>(read->salt.data()),
                                     static_cast<int>(read->salt.size()), static_cast<int>(read->rounds), EVP_sha1(),
                                     static_cast<int>(made.size()), reinterpret_cast<unsigned char*>(made.data()));
  if (done != 1) return fail(ErrorKind::unavailable, "PBKDF2 failed");
  const bool same = constant_time_equal(made, read->key);
  wipe(made);
  return same;
}

// ---- SSHA512: base64 of SHA-512(password, salt) and the salt

Result<std::string> read_ssha512(std::string_view hash) {
  auto octets = base64_decode(hash);
  if (!octets || octets->size() <= SHA512_DIGEST_LENGTH) return std::unexpected(damaged("{SSHA512}"));
  return octets;
}

Result<> check_ssha512(std::string_view hash) {
  const auto read = read_ssha512(hash);
  if (!read) return std::unexpected(read.error());
  return {};
}

Result<bool> try_ssha512(std::string_view hash, std::string_view password) {
  const auto read = read_ssha512(hash);
  if (!read) return std::unexpected(read.error());
  std::string text(password);
  text += std::string_view(*read).substr(SHA512_DIGEST_LENGTH);
  std::string made(SHA512_DIGEST_LENGTH, '\0');
  SHA512(reinterpret_cast<const unsigned char*>(text.data()), text.size(), reinterpret_cast<unsigned char*>(made.data()));
  const bool same = constant_time_equal(made, std::string_view(*read).substr(0, SHA512_DIGEST_LENGTH));
  wipe(text);
  wipe(made);
  return same;
}

struct Scheme {
  std::string_view name;  ///< with braces, as stored
  Result<> (*check)(std::string_view hash);
  Result<bool> (*attempt)(std::string_view hash, std::string_view password);
};

constexpr std::array<Scheme, 6> schemes{{{"{ARGON2ID}", check_argon2, try_argon2},
                                         {"{BLF-CRYPT}", check_bcrypt, try_crypt},
                                         {"{SHA512-CRYPT}", check_sha512_crypt, try_crypt},
                                         {"{SHA256-CRYPT}", check_sha256_crypt, try_crypt},
                                         {"{PBKDF2}", check_pbkdf2, try_pbkdf2},
                                         {"{SSHA512}", check_ssha512, try_ssha512}}};

const Scheme* find_scheme(std::string_view name) {
  for (const auto& scheme : schemes) {
    if (ascii::iequals(scheme.name, name)) return &scheme;
  }
  return nullptr;
}

/// What {CRYPT} stands for, by the prefix of crypt(5).
std::string_view crypt_scheme(std::string_view hash) {
  if (hash.starts_with("$6$")) return "{SHA512-CRYPT}";
  if (hash.starts_with("$5$")) return "{SHA256-CRYPT}";
  if (hash.starts_with("$2")) return "{BLF-CRYPT}";
  return {};
}

struct Split {
  std::string_view scheme;
  std::string_view hash;
};

Split split(std::string_view text) {
  const auto end = text.starts_with('{') ? text.find('}') : std::string_view::npos;
  if (end == std::string_view::npos) return {{}, text};
  return {text.substr(0, end + 1), text.substr(end + 1)};
}

}  // namespace

Result<std::string> check_imported(std::string_view text) {
  if (text.size() > most_octets) return fail(ErrorKind::invalid, "this hash is longer than any that we know");
  const auto parts = split(text);
  const auto name = ascii::iequals(parts.scheme, "{CRYPT}") ? crypt_scheme(parts.hash) : parts.scheme;
  const auto* scheme = find_scheme(name);
  if (scheme == nullptr) {
    return fail(ErrorKind::unsupported,
                "a hash begins with its scheme, one of {ARGON2ID} {BLF-CRYPT} {SHA512-CRYPT} {SHA256-CRYPT} {PBKDF2} {SSHA512}, "
                "or {CRYPT} before $2y$, $5$ or $6$; passwords hashed in other ways must be set anew");
  }
  if (auto sound = scheme->check(parts.hash); !sound) return std::unexpected(sound.error());
  return std::string(scheme->name) + std::string(parts.hash);
}

bool is_imported(std::string_view hash) { return find_scheme(split(hash).scheme) != nullptr; }

Result<bool> matches_imported(std::string_view hash, const Secret& password) {
  const auto parts = split(hash);
  const auto* scheme = find_scheme(parts.scheme);
  if (scheme == nullptr) return fail(ErrorKind::corrupt, "a stored hash of no known scheme");
  return scheme->attempt(parts.hash, password.reveal());
}

}  // namespace postern::auth
