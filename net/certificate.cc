// SPDX-License-Identifier: Apache-2.0
// Certificates and keys from PEM files.
#include "net/certificate.h"

#include <openssl/ec.h>
#include <openssl/pem.h>

#include "base/file.h"
#include "base/secret.h"

namespace postern::net {

namespace {

constexpr std::size_t largest_pem_file = 1024 * 1024;

Result<std::string> read_pem(const std::string& path, std::string_view what) {
  auto text = read_file(path, largest_pem_file);
  if (text) return text;
  Error error = text.error();
  if (error.kind == ErrorKind::not_found)
    error.text = fmt::format("{} {} does not exist: correct the path or create the file", what, path);
  if (error.kind == ErrorKind::denied)
    error.text = fmt::format("{} {} is not readable for the server's user: change its owner, group or mode", what, path);
  return std::unexpected(error);
}

openssl::Bio memory(const std::string& text) { return openssl::Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

Result<void> load_chain(const CertificateFiles& files, LoadedCertificate& out) {
  const auto text = read_pem(files.chain, "certificate");
  if (!text) return std::unexpected(text.error());
  const auto bio = memory(*text);
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    if (!out.leaf)
      out.leaf.reset(certificate);
    else
      out.chain.emplace_back(certificate);
  }
  ERR_clear_error();
  if (out.leaf) return {};
  return fail(ErrorKind::invalid, fmt::format("{} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)", files.chain));
}

/// OpenSSL asks for a passphrase: note that, and give none.
int refuse_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Result<void> load_key(const CertificateFiles& files, LoadedCertificate& out) {
  auto text = read_pem(files.key, "private key");
  if (!text) return std::unexpected(text.error());
  bool passphrase_asked = false;
  out.key.reset(PEM_read_bio_PrivateKey(memory(*text).get(), nullptr, refuse_passphrase, &passphrase_asked));
  wipe(*text);
  ERR_clear_error();
  if (out.key) return {};
  if (passphrase_asked)
    return fail(ErrorKind::invalid,
                fmt::format("private key {} is protected by a passphrase: store it without one, mode 0600", files.key));
  return fail(ErrorKind::invalid, fmt::format("{} holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)", files.key));
}

UnixTime to_unix(const ASN1_TIME* time) {
  const std::unique_ptr<ASN1_TIME, openssl::Free<ASN1_TIME_free>> epoch(ASN1_TIME_set(nullptr, 0));
  constexpr UnixTime seconds_of_day = 86400;
  int days = 0;
  int seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1) return 0;
  return days * seconds_of_day + seconds;
}

std::string key_type(EVP_PKEY* key) {
  char group[64] = "";
  std::size_t length = 0;
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && EVP_PKEY_get_group_name(key, group, sizeof group, &length) == 1)
    return fmt::format("EC {}", group);
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) return fmt::format("RSA {}", EVP_PKEY_get_bits(key));
  const char* name = EVP_PKEY_get0_type_name(key);
  return name != nullptr ? name : "unknown";
}

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  const auto free_names = [](GENERAL_NAMES* list) { GENERAL_NAMES_free(list); };
  const std::unique_ptr<GENERAL_NAMES, decltype(free_names)> list(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)), free_names);
  for (int i = 0; i < sk_GENERAL_NAME_num(list.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(list.get(), i);
    if (name->type != GEN_DNS) continue;
    names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                       static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  char common_name[256];
  if (names.empty() &&
      X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, common_name, sizeof common_name) > 0)
    names.emplace_back(common_name);
  return names;
}

}  // namespace

Result<LoadedCertificate> load_certificate(const CertificateFiles& files) {
  LoadedCertificate out;
  if (auto chain = load_chain(files, out); !chain) return std::unexpected(chain.error());
  if (auto key = load_key(files, out); !key) return std::unexpected(key.error());
  if (X509_check_private_key(out.leaf.get(), out.key.get()) != 1) {
    ERR_clear_error();
    return fail(ErrorKind::invalid,
                fmt::format("private key {} belongs to another certificate than {}: install the pair that was issued together",
                            files.key, files.chain));
  }
  out.info.names = names_of(out.leaf.get());
  out.info.not_before = to_unix(X509_get0_notBefore(out.leaf.get()));
  out.info.not_after = to_unix(X509_get0_notAfter(out.leaf.get()));
  out.info.key_type = key_type(out.key.get());
  return out;
}

Result<CertificateInfo> inspect_certificate(const CertificateFiles& files) {
  auto loaded = load_certificate(files);
  if (!loaded) return std::unexpected(loaded.error());
  return std::move(loaded->info);
}

}  // namespace postern::net
