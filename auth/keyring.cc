// SPDX-License-Identifier: Apache-2.0
// Two independent keys come from the file's master key by libsodium's key derivation; the master itself is not kept.
#include "auth/keyring.h"

#include <fmt/format.h>
#include <sodium.h>

#include <array>

#include "base/file.h"
#include "base/random.h"

namespace postern::auth {
namespace {

constexpr char format_version = 1;
constexpr std::size_t nonce_octets = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_octets = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t key_octets = crypto_kdf_KEYBYTES;
static_assert(key_octets == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
/// Numbers of the derived keys; they are part of the file format.
constexpr std::uint64_t seal_key_number = 1;
constexpr std::uint64_t fake_key_number = 2;

const unsigned char* octets(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* octets(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

Secret derived(const Secret& master, std::uint64_t number) {
  std::string out(key_octets, '\0');
  crypto_kdf_derive_from_key(octets(out), out.size(), number, "postern.", octets(master.reveal()));
  return Secret::take(out);
}

std::string associated_data(mail::AccountId account) { return fmt::format("postern credential {}", account); }

/// Keyed hash of a purpose and a name.
std::string keyed_hash(const Secret& key, std::string_view purpose, std::string_view name, std::size_t size) {
  std::string text(purpose);
  text += '\0';
  text += name;
  std::string out(size, '\0');
  crypto_generichash(octets(out), out.size(), octets(text), text.size(), octets(key.reveal()), key.size());
  return out;
}

}  // namespace

Keyring::Keyring(Secret key) : seal_key_(derived(key, seal_key_number)), fake_key_(derived(key, fake_key_number)) {}

Result<Keyring> Keyring::open(const std::filesystem::path& path) {
  if (auto fine = require_private(path); !fine) return std::unexpected(fine.error());
  auto bytes = read_file(path, key_octets + 1);
  if (!bytes) return std::unexpected(bytes.error());
  auto key = Secret::take(*bytes);
  if (key.size() != key_octets) {
    return fail(ErrorKind::corrupt, fmt::format("{} has not {} octets; restore it from the backup", path.string(), key_octets));
  }
  return Keyring(std::move(key));
}

Result<Keyring> Keyring::create(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) return fail(ErrorKind::exists, path.string() + " exists already");
  std::string bytes(key_octets, '\0');
  random::fill(std::as_writable_bytes(std::span(bytes)));
  auto key = Secret::take(bytes);
  if (auto written = write_file_durably(path, key.reveal(), 0600); !written) return std::unexpected(written.error());
  return Keyring(std::move(key));
}

std::string Keyring::seal(mail::AccountId account, std::string_view plain) const {
  std::string nonce(nonce_octets, '\0');
  random::fill(std::as_writable_bytes(std::span(nonce)));
  const auto bound = associated_data(account);
  std::string cipher(plain.size() + tag_octets, '\0');
  crypto_aead_xchacha20poly1305_ietf_encrypt(octets(cipher), nullptr, octets(plain), plain.size(), octets(bound), bound.size(),
                                             nullptr, octets(nonce), octets(seal_key_.reveal()));
  return format_version + nonce + cipher;
}

Result<Secret> Keyring::unseal(mail::AccountId account, std::string_view sealed) const {
  if (sealed.size() < 1 + nonce_octets + tag_octets || sealed[0] != format_version) {
    return fail(ErrorKind::corrupt, "a credential is not in a format we know");
  }
  const auto nonce = sealed.substr(1, nonce_octets);
  const auto cipher = sealed.substr(1 + nonce_octets);
  const auto bound = associated_data(account);
  std::string plain(cipher.size() - tag_octets, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(octets(plain), nullptr, nullptr, octets(cipher), cipher.size(), octets(bound),
                                                 bound.size(), octets(nonce), octets(seal_key_.reveal())) != 0) {
    return fail(ErrorKind::corrupt, "a credential does not open with auth.key");
  }
  return Secret::take(plain);
}

ScramKeys Keyring::fake_scram(std::string_view name, unsigned iterations) const {
  constexpr std::size_t salt_octets = 16;
  constexpr std::size_t scram_octets = 32;
  return {iterations, keyed_hash(fake_key_, "salt", name, salt_octets), keyed_hash(fake_key_, "stored key", name, scram_octets),
          keyed_hash(fake_key_, "server key", name, scram_octets)};
}

}  // namespace postern::auth
