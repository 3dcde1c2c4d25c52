// SPDX-License-Identifier: Apache-2.0
// ScramTranscript: the messages of one SCRAM-SHA-256 exchange up to the client's proof, to be tried against further keys.
// libsasl2 knows one verifier for each exchange and an account may have several passwords with the same salt and count; when the
// first does not fit, this tells whether another one does. It checks again everything that libsasl2 checks (RFC 5802 §5.1): on
// whose behalf, the binding, the nonce and the proof.
#pragma once

#include <string>
#include <string_view>

#include "auth/verifier.h"
#include "base/result.h"

namespace postern::auth {

/// What the client proved its password with.
struct ScramProof {
  std::string auth_message;
  std::string proof;  ///< ClientProof, 32 octets
  /// True when the proof was made with the password of these keys.
  bool fits(const ScramKeys& keys) const;
  /// server-final-message: our own proof.
  std::string server_final(const ScramKeys& keys) const;
};

class ScramTranscript {
 public:
  /// Both messages as they were sent; `binding` are the octets of tls-exporter, used when the client's flag is 'p'.
  ScramTranscript(std::string client_first, std::string server_first, std::string binding);
  /// Errors: invalid (grammar, another nonce, another channel), denied (on behalf of somebody else).
  Result<ScramProof> read(std::string_view client_final) const;

 private:
  std::string client_first_;
  std::string server_first_;
  std::string binding_;
};

}  // namespace postern::auth
