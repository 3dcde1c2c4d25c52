// SPDX-License-Identifier: Apache-2.0
// DKIM keys over OpenSSL's EVP.
#include "policy/dkim_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <optional>

#include "base/encoding.h"

namespace postern::policy {

struct PublicKey::Handle {
  explicit Handle(EVP_PKEY* owned) : key(owned) {}
  ~Handle() { EVP_PKEY_free(key); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  EVP_PKEY* key;
};

namespace {

struct FreeContext {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};

constexpr std::size_t ed25519_key_octets = 32;

const unsigned char* octets(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

bool is_ed25519_key(EVP_PKEY* key) { return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519; }

/// Largest public exponent in octets; longer ones cost as much as signing.
constexpr std::size_t exponent_max = 8;
constexpr char der_sequence = 0x30;
constexpr char der_integer = 0x02;
constexpr char der_bit_string = 0x03;

/// Takes one element of this tag off the front (X.690 §8.1); lengths up to 65,535.
std::optional<std::string_view> take_der(std::string_view& in, char tag) {
  if (in.size() < 2 || in[0] != tag) return std::nullopt;
  const auto octet = [&in](std::size_t at) { return static_cast<std::size_t>(static_cast<unsigned char>(in[at])); };
  std::size_t length = octet(1);
  std::size_t head = 2;
  if (length == 0x80) return std::nullopt;  // an indefinite length is no DER
  for (std::size_t more = length > 0x80 ? length - 0x80 : 0; more > 0; --more, ++head) {
    if (head == 4 || in.size() <= head) return std::nullopt;
    length = (head == 2 ? 0 : length << 8U) + octet(head);
  }
  if (length > in.size() - head) return std::nullopt;
  const auto out = in.substr(head, length);
  in.remove_prefix(head + length);
  return out;
}

struct RsaNumbers {
  std::string_view modulus;
  std::string_view exponent;
};

/// SubjectPublicKeyInfo as everybody publishes it, or the bare RSAPublicKey of RFC 6376 §3.6.1 (tag p=).
std::optional<RsaNumbers> rsa_numbers(std::string_view bytes) {
  // SEQUENCE { OID 1.2.840.113549.1.1.1, NULL }
  static constexpr std::string_view rsa_encryption("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00", 13);
  auto outer = take_der(bytes, der_sequence);
  if (!outer) return std::nullopt;
  if (auto algorithm = take_der(*outer, der_sequence)) {
    auto bits = take_der(*outer, der_bit_string);
    if (*algorithm != rsa_encryption || !bits || !bits->starts_with('\0')) return std::nullopt;
    bits->remove_prefix(1);
    outer = take_der(*bits, der_sequence);
  }
  if (!outer) return std::nullopt;
  const auto modulus = take_der(*outer, der_integer);
  auto exponent = take_der(*outer, der_integer);
  if (!modulus || !exponent) return std::nullopt;
  if (exponent->starts_with('\0')) exponent->remove_prefix(1);
  if (exponent->empty() || exponent->size() > exponent_max) return std::nullopt;
  return RsaNumbers{*modulus, *exponent};
}

struct FreeNumber {
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
  void operator()(OSSL_PARAM* params) const { OSSL_PARAM_free(params); }
};

/// From its numbers: a tenth of the time that OpenSSL's own decoder takes.
EVP_PKEY* read_rsa(std::string_view bytes) {
  const auto numbers = rsa_numbers(bytes);
  if (!numbers) return nullptr;
  const auto number = [](std::string_view text) {
    return std::unique_ptr<BIGNUM, FreeNumber>(BN_bin2bn(octets(text), static_cast<int>(text.size()), nullptr));
  };
  const auto modulus = number(numbers->modulus);
  const auto exponent = number(numbers->exponent);
  const std::unique_ptr<OSSL_PARAM_BLD, FreeNumber> builder(OSSL_PARAM_BLD_new());
  const bool built = modulus && exponent && builder &&
                     OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) == 1 &&
                     OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) == 1;
  if (!built) return nullptr;
  const std::unique_ptr<OSSL_PARAM, FreeNumber> params(OSSL_PARAM_BLD_to_param(builder.get()));
  const std::unique_ptr<EVP_PKEY_CTX, FreeContext> context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1) return nullptr;
  return EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) == 1 ? key : nullptr;
}

/// A context ready to sign or verify SHA-256 digests with PKCS #1 v1.5.
std::unique_ptr<EVP_PKEY_CTX, FreeContext> rsa_context(EVP_PKEY* key, int (*begin)(EVP_PKEY_CTX*)) {
  std::unique_ptr<EVP_PKEY_CTX, FreeContext> context(EVP_PKEY_CTX_new(key, nullptr));
  const bool ready = context && begin(context.get()) == 1 &&
                     EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
                     EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) == 1;
  if (!ready) context.reset();
  return context;
}

Result<std::string> sign_rsa(EVP_PKEY* key, std::string_view digest) {
  const auto context = rsa_context(key, EVP_PKEY_sign_init);
  std::string out(static_cast<std::size_t>(EVP_PKEY_get_size(key)), '\0');
  std::size_t size = out.size();
  const bool done = context && EVP_PKEY_sign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, octets(digest),
                                             digest.size()) == 1;
  if (!done) return fail(ErrorKind::internal, "the RSA key does not sign");
  out.resize(size);
  return out;
}

// RFC 8463 §3: PureEdDSA over the digest.
Result<std::string> sign_ed25519(EVP_PKEY* key, std::string_view digest) {
  const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  std::string out(64, '\0');
  std::size_t size = out.size();
  const bool done =
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, octets(digest), digest.size()) == 1;
  if (!done) return fail(ErrorKind::internal, "the Ed25519 key does not sign");
  return out;
}

}  // namespace

Result<PublicKey> PublicKey::from(const DkimKeyRecord& record) {
  EVP_PKEY* key = nullptr;
  if (!record.ed25519) {
    key = read_rsa(record.key);
  } else if (record.key.size() == ed25519_key_octets) {
    key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets(record.key), record.key.size());
  }
  if (key == nullptr) return fail(ErrorKind::invalid, "p= is not a key of its type");
  return PublicKey(std::make_shared<const Handle>(key));
}

int PublicKey::bits() const { return EVP_PKEY_get_bits(handle_->key); }
bool PublicKey::is_ed25519() const { return is_ed25519_key(handle_->key); }

bool PublicKey::verify(std::string_view digest, std::string_view signature) const {
  EVP_PKEY* const key = handle_->key;
  if (is_ed25519()) {
    const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
    return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
           EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(digest), digest.size()) == 1;
  }
  const auto context = rsa_context(key, EVP_PKEY_verify_init);
  return context && EVP_PKEY_verify(context.get(), octets(signature), signature.size(), octets(digest), digest.size()) == 1;
}

Result<> MemoryKeys::add(std::string key_id, const Secret& pem) {
  const auto text = pem.reveal();
  const std::unique_ptr<BIO, FreeContext> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  // Without a callback OpenSSL would ask for a passphrase on the terminal.
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr);
  if (key == nullptr) return fail(ErrorKind::invalid, "not a private key in PEM without passphrase");
  auto handle = std::make_shared<const PublicKey::Handle>(key);
  const int bits = EVP_PKEY_get_bits(key);
  const bool rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && bits >= rsa_bits_min && bits <= rsa_bits_max;
  if (!rsa && !is_ed25519_key(key)) return fail(ErrorKind::invalid, "neither Ed25519 nor RSA of 1024 to 4096 bits");
  keys_.insert_or_assign(std::move(key_id), std::move(handle));
  return {};
}

Result<MemoryKeys::About> MemoryKeys::add_key(std::string key_id, const Secret& pem) {
  if (auto added = add(key_id, pem); !added) return std::unexpected(added.error());
  auto shown = public_key(key_id);
  if (!shown) return std::unexpected(shown.error());
  EVP_PKEY* const key = keys_.at(key_id)->key;
  return About{is_ed25519_key(key) ? DkimAlgorithm::ed25519_sha256 : DkimAlgorithm::rsa_sha256, EVP_PKEY_get_bits(key),
               std::move(*shown)};
}

Result<Secret> make_private_key(DkimAlgorithm algorithm, int bits) {
  EVP_PKEY* made = nullptr;
  if (algorithm == DkimAlgorithm::ed25519_sha256) {
    made = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  } else if (algorithm != DkimAlgorithm::rsa_sha256 || bits < rsa_bits_min || bits > rsa_bits_max) {
    return fail(ErrorKind::invalid, "keys are Ed25519, or RSA of 1024 to 4096 bits");
  } else {
    made = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(bits));
  }
  if (made == nullptr) return fail(ErrorKind::internal, "OpenSSL could not make a key");
  const PublicKey::Handle handle(made);
  const std::unique_ptr<BIO, FreeContext> bio(BIO_new(BIO_s_secmem()));
  char* bytes = nullptr;
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), made, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return fail(ErrorKind::internal, "OpenSSL could not write the key");
  }
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  return Secret(std::string_view(bytes, static_cast<std::size_t>(size)));
}

Result<std::string> MemoryKeys::public_key(const std::string& key_id) const {
  const auto found = keys_.find(key_id);
  if (found == keys_.end()) return fail(ErrorKind::not_found, "no such key");
  EVP_PKEY* const key = found->second->key;
  if (is_ed25519_key(key)) {
    std::string raw(ed25519_key_octets, '\0');
    std::size_t size = raw.size();
    EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(raw.data()), &size);
    return base64_encode(raw);
  }
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  if (size <= 0) return fail(ErrorKind::internal, "the key has no public part");
  auto out = base64_encode({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return out;
}

async::Task<Result<std::string>> MemoryKeys::sign(std::string key_id, std::string digest) {
  const auto found = keys_.find(key_id);
  if (found == keys_.end()) co_return fail(ErrorKind::not_found, "no such key");
  EVP_PKEY* const key = found->second->key;
  if (is_ed25519_key(key)) co_return sign_ed25519(key, digest);
  co_return sign_rsa(key, digest);
}

async::Task<Result<DkimAlgorithm>> MemoryKeys::algorithm(std::string key_id) {
  const auto found = keys_.find(key_id);
  if (found == keys_.end()) co_return fail(ErrorKind::not_found, "no such key");
  co_return is_ed25519_key(found->second->key) ? DkimAlgorithm::ed25519_sha256 : DkimAlgorithm::rsa_sha256;
}

}  // namespace postern::policy
