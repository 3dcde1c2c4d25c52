// SPDX-License-Identifier: Apache-2.0
#include "auth/scram_proof.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "auth/sasl_messages.h"
#include "base/cursor.h"
#include "base/encoding.h"
#include "base/secret.h"

namespace postern::auth {
namespace {

constexpr std::size_t key_octets = 32;

std::string hmac(std::string_view key, std::string_view text) {
  std::string out(key_octets, '\0');
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(out.data()), &size);
  return out;
}

/// gs2-header: everything up to and with the second comma. RFC 5802 §7
std::string_view gs2_header(std::string_view client_first) {
  const auto first = client_first.find(',');
  const auto second = first == std::string_view::npos ? first : client_first.find(',', first + 1);
  return second == std::string_view::npos ? std::string_view() : client_first.substr(0, second + 1);
}

/// The nonce of server-first-message: "r=" nonce "," …
std::string_view nonce_of(std::string_view server_first) {
  Cursor in(server_first);
  return in.take("r=") ? in.take_until(',') : std::string_view();
}

}  // namespace

// ClientKey = ClientProof XOR HMAC(StoredKey, AuthMessage), and H(ClientKey) is StoredKey
// RFC 5802 §3
bool ScramProof::fits(const ScramKeys& keys) const {
  std::string client_key = hmac(keys.stored_key, auth_message);
  if (proof.size() != client_key.size()) return false;
  for (std::size_t i = 0; i < proof.size(); ++i) client_key[i] = static_cast<char>(client_key[i] ^ proof[i]);
  std::string hashed(key_octets, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(client_key.data()), client_key.size(),
         reinterpret_cast<unsigned char*>(hashed.data()));
  const bool same = constant_time_equal(hashed, keys.stored_key);
  wipe(client_key);
  return same;
}

std::string ScramProof::server_final(const ScramKeys& keys) const {
  return "v=" + base64_encode(hmac(keys.server_key, auth_message));
}

ScramTranscript::ScramTranscript(std::string client_first, std::string server_first, std::string binding)
    : client_first_(std::move(client_first)), server_first_(std::move(server_first)), binding_(std::move(binding)) {}

// client-final-message = channel-binding "," nonce ["," extensions] "," proof
// RFC 5802 §7; extensions are unknown to us and refused.
Result<ScramProof> ScramTranscript::read(std::string_view client_final) const {
  const auto head = parse_scram_head(client_first_);
  if (!head) return std::unexpected(head.error());
  if (!head->authzid.empty() && head->authzid != head->user) return fail(ErrorKind::denied, "on behalf of somebody else");
  const auto header = gs2_header(client_first_);
  const auto nonce = nonce_of(server_first_);
  if (header.empty() || nonce.empty()) return fail(ErrorKind::invalid, "no exchange to prove");
  std::string expected(header);
  if (header.starts_with("p=")) {
    if (binding_.empty() || !header.starts_with("p=tls-exporter,")) return fail(ErrorKind::invalid, "another channel");
    expected += binding_;
  } else if (header.starts_with('y') && !binding_.empty()) {
    return fail(ErrorKind::invalid, "the client was told that channel binding is not offered");
  }
  Cursor in(client_final);
  if (!in.take("c=")) return fail(ErrorKind::invalid, in.where("expected c="));
  const auto channel = base64_decode(in.take_until(','));
  if (!channel || !constant_time_equal(*channel, expected)) return fail(ErrorKind::invalid, "another channel");
  if (!in.take(",r=") || in.take_until(',') != nonce) return fail(ErrorKind::invalid, "another nonce");
  const auto without_proof = client_final.substr(0, in.position());
  if (!in.take(",p=")) return fail(ErrorKind::invalid, in.where("expected p="));
  auto proof = base64_decode(in.rest());
  if (!proof || proof->size() != key_octets) return fail(ErrorKind::invalid, "a proof has 32 octets");
  ScramProof out;
  out.auth_message = client_first_.substr(header.size()) + "," + server_first_ + "," + std::string(without_proof);
  out.proof = std::move(*proof);
  return out;
}

}  // namespace postern::auth
