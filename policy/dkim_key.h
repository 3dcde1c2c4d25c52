// SPDX-License-Identifier: Apache-2.0
// Keys of DKIM: RSA (RFC 6376, RFC 8301) and Ed25519 (RFC 8463), public ones to verify, private ones behind KeyOracle to sign.
// Private keys never leave an oracle (design.md §6); what crosses is a digest and a signature.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "async/task.h"
#include "base/result.h"
#include "base/secret.h"
#include "policy/dkim_signature.h"

namespace postern::policy {

/// RSA keys we accept, in bits (RFC 8301 §3.2; more costs too much time: security.md D43).
inline constexpr int rsa_bits_min = 1024;
inline constexpr int rsa_bits_good = 2048;  ///< below this a pass is noted
inline constexpr int rsa_bits_max = 4096;

class PublicKey {
 public:
  /// Error invalid: no key of that type.
  static Result<PublicKey> from(const DkimKeyRecord& record);
  int bits() const;
  bool is_ed25519() const;
  /// Whether `signature` is right for this SHA-256 digest.
  bool verify(std::string_view digest, std::string_view signature) const;

  struct Handle;

 private:
  explicit PublicKey(std::shared_ptr<const Handle> handle) : handle_(std::move(handle)) {}
  std::shared_ptr<const Handle> handle_;
};

/// Who can sign. An interface, because the keys belong into a process of their own one day.
class KeyOracle {
 public:
  virtual ~KeyOracle() = default;
  /// Signs a SHA-256 digest. Error not_found: no such key.
  virtual async::Task<Result<std::string>> sign(std::string key_id, std::string digest) = 0;
  virtual async::Task<Result<DkimAlgorithm>> algorithm(std::string key_id) = 0;
};

/// A new private key as PEM (PKCS #8). `bits` is of RSA only. Errors: invalid (a size we do not accept, or rsa-sha1), internal.
Result<Secret> make_private_key(DkimAlgorithm algorithm, int bits);

/// Keys in memory. Add all before the first use; then thread-safe.
class MemoryKeys final : public KeyOracle {
 public:
  /// A private key as PEM (PKCS #8 or PKCS #1) without passphrase. Error invalid: not a key, neither RSA nor Ed25519, or RSA
  /// outside rsa_bits_min to rsa_bits_max.
  Result<> add(std::string key_id, const Secret& pem);
  struct About {
    DkimAlgorithm algorithm = DkimAlgorithm::rsa_sha256;
    int bits = 0;
    std::string public_key;  ///< as public_key()
  };
  /// The same, and says what the key is.
  Result<About> add_key(std::string key_id, const Secret& pem);
  /// The p= of the key record, base64. Error not_found.
  Result<std::string> public_key(const std::string& key_id) const;
  async::Task<Result<std::string>> sign(std::string key_id, std::string digest) override;
  async::Task<Result<DkimAlgorithm>> algorithm(std::string key_id) override;

 private:
  std::map<std::string, std::shared_ptr<const PublicKey::Handle>> keys_;
};

}  // namespace postern::policy
