// SPDX-License-Identifier: Apache-2.0
#include "bench/load/sign.h"

#include <fmt/core.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>
#include <stdexcept>
#include <vector>

#include "bench/load/base64.h"

namespace postern::bench {
namespace {

constexpr std::array<std::string_view, 5> signed_fields{"Date", "From", "To", "Message-ID", "Subject"};

std::string digest(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), out.data(), &size, EVP_sha256(), nullptr);
  return base64({reinterpret_cast<const char*>(out.data()), size});
}

/// The field with its line end.
std::string_view field_of(std::string_view header, std::string_view name) {
  const auto at = header.find(fmt::format("{}: ", name));
  return header.substr(at, header.find('\n', at) + 1 - at);
}

}  // namespace

struct Signer::Key {
  EVP_PKEY* key = nullptr;
  ~Key() { EVP_PKEY_free(key); }
};

Signer::Signer(const std::string& key_file) : key_(std::make_unique<Key>()) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> file(BIO_new_file(key_file.c_str(), "r"), BIO_free);
  if (file) key_->key = PEM_read_bio_PrivateKey(file.get(), nullptr, nullptr, nullptr);
  if (key_->key == nullptr) throw std::runtime_error("no key in " + key_file);
}

Signer::~Signer() = default;

std::string Signer::sign(const std::string& message) const {
  const auto body = message.find("\r\n\r\n") + 4;
  const auto header = std::string_view(message).substr(0, body);
  std::string names;
  std::string hashed;
  for (const auto name : signed_fields) {
    names += (names.empty() ? "" : ":") + std::string(name);
    hashed += field_of(header, name);
  }
  std::string field = fmt::format("DKIM-Signature: v=1; a=rsa-sha256; d=elsewhere.test; s=bench; h={}; bh={}; b=", names,
                                  digest(std::string_view(message).substr(body)));
  hashed += field;
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::size_t size = 0;
  const auto* const text = reinterpret_cast<const unsigned char*>(hashed.data());
  EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->key);
  EVP_DigestSign(context.get(), nullptr, &size, text, hashed.size());
  std::vector<unsigned char> out(size);
  if (EVP_DigestSign(context.get(), out.data(), &size, text, hashed.size()) != 1) throw std::runtime_error("signing failed");
  field += base64({reinterpret_cast<const char*>(out.data()), size});
  return field + "\r\n" + message;
}

}  // namespace postern::bench
