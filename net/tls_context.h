// SPDX-License-Identifier: Apache-2.0
// TlsServer and TlsClient: what is offered and demanded in a handshake. No OpenSSL type appears here.
// TLS 1.2 and later, AEAD ciphers with forward secrecy, no compression, no renegotiation (security.md D58, D59); tickets are
// sealed with keys of each context, so a ticket of one service is worth nothing at another (D63).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace postern::net {

/// A PEM chain (leaf first) and its private key.
struct CertificateFiles {
  std::string chain;
  std::string key;
};

/// What a certificate file holds.
struct CertificateInfo {
  std::vector<std::string> names;  ///< DNS names of subjectAltName, or the common name when there are none
  UnixTime not_before = 0;
  UnixTime not_after = 0;
  std::string key_type;  ///< "EC prime256v1", "RSA 2048", "ED25519"
};

/// Reads a pair and says what is wrong in terms of what to do about it: file missing (not_found), not readable by us (denied),
/// not PEM, key protected by a passphrase, key of another certificate (invalid). An expired certificate is no error here.
Result<CertificateInfo> inspect_certificate(const CertificateFiles& files);

/// Versions below 1.2 are for old mail servers on port 25 only, where the alternative is no encryption at all (RFC 8996 §5).
enum class TlsVersion : std::uint8_t { tls1_0, tls1_1, tls1_2, tls1_3 };

/// Server side of one service. Thread-safe; sessions under way keep what they began with.
class TlsServer {
 public:
  struct Options {
    std::string service;  ///< "smtp", "submission", "imap" …: session id context
    std::vector<std::string>
        alpn;  ///< names of which an offering client must offer one; empty: only http names are refused (D62)
    std::vector<CertificateFiles> certificates;  ///< the first one serves unknown names (D61)
    TlsVersion least = TlsVersion::tls1_2;
  };
  /// Fails as inspect_certificate does.
  static Result<std::shared_ptr<TlsServer>> create(Options options);
  ~TlsServer();

  /// Reads the files again; after an error everything stays as it was.
  Result<void> reload();
  /// One for each pair, in the order of the options.
  std::vector<CertificateInfo> certificates() const;

  struct State;
  /// For net/tls_stream only.
  std::shared_ptr<const State> state() const;

 private:
  explicit TlsServer(Options options);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One TLSA record (RFC 6698 §2.1).
struct TlsaRecord {
  std::uint8_t usage = 0;
  std::uint8_t selector = 0;
  std::uint8_t matching = 0;
  std::string data;
  auto operator<=>(const TlsaRecord&) const = default;
};

/// What a client demands of a server's certificate.
enum class TlsTrust : std::uint8_t {
  opportunistic,  ///< encrypt, whatever the certificate says
  verified,       ///< chain to a trusted root and a name that matches
  dane            ///< one of the TLSA records matches (RFC 7672)
};

struct TlsClientPolicy {
  std::string host;  ///< sent as SNI unless it is an address; the reference name for `verified` and `dane`
  TlsTrust trust = TlsTrust::opportunistic;
  std::vector<TlsaRecord> tlsa;         ///< for `dane`
  std::vector<std::string> more_names;  ///< further reference names (RFC 7672 §3.2.2: next-hop domain)
};

/// Client side. Thread-safe; make one and share it.
class TlsClient {
 public:
  struct Options {
    std::string ca_file;  ///< PEM roots; empty: the system's
    std::vector<std::string> alpn;
  };
  static Result<std::shared_ptr<TlsClient>> create(const Options& options);
  ~TlsClient();

  struct State;
  /// For net/tls_stream only.
  const State& state() const { return *state_; }

 private:
  explicit TlsClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace postern::net
