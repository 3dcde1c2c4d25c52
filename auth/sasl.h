// SPDX-License-Identifier: Apache-2.0
// Cyrus SASL in process (security.md §4.5): the library's one owner, and one server exchange over one fresh sasl_conn_t.
// Nothing here knows accounts: what the library needs to know it asks a SaslPeer. Synchronous.
//
// libsasl2 is global to the process, so is SaslLibrary: the daemon makes one before its sandbox closes and keeps it to the end.
// sasl_listmech is never called: it overflows a heap block in 2.1.28 (security.md finding 2).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/result.h"

namespace postern::auth {

/// Longest data of one step in octets, before base64 is decoded (security.md §1.6).
inline constexpr std::size_t max_sasl_input = 12288;

class SaslLibrary {
 public:
  /// Loads the PLAIN and SCRAM plug-ins and no others. Errors: exists (made already), unavailable (plug-ins missing).
  static Result<std::unique_ptr<SaslLibrary>> start(Log& log);
  ~SaslLibrary();
  SaslLibrary(const SaslLibrary&) = delete;

 private:
  struct State;
  explicit SaslLibrary(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// What an exchange asks about the name that the client gave. Called inside start() and step(), on their thread.
class SaslPeer {
 public:
  virtual ~SaslPeer() = default;
  /// PLAIN: is this the password?
  virtual bool check_password(std::string_view user, std::string_view password) = 0;
  /// SCRAM: RFC 5803 text of the verifier; nothing fails the exchange.
  virtual std::optional<std::string> scram_verifier(std::string_view user) = 0;
};

/// What one step led to.
struct SaslOutcome {
  enum class Kind : unsigned char {
    challenge,   ///< send `data`, then step()
    success,     ///< `user` is who the client proved to be
    failed,      ///< the one refusal for every cause
    malformed,   ///< the first message breaks its grammar
    unavailable  ///< the library itself failed
  };
  Kind kind = Kind::failed;
  std::string data;
  std::string user;
  std::string reason;  ///< for the log
};

class SaslServer {
 public:
  /// `peer` must outlive this. `channel_binding`: tls-exporter octets, or empty.
  SaslServer(SaslLibrary& library, SaslPeer& peer, std::string channel_binding);
  ~SaslServer();
  SaslServer(const SaslServer&) = delete;

  /// `mechanism` is PLAIN, SCRAM-SHA-256 or SCRAM-SHA-256-PLUS; `initial` the decoded first message.
  SaslOutcome start(std::string_view mechanism, std::string_view initial);
  SaslOutcome step(std::string_view response);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace postern::auth
