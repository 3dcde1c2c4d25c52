// SPDX-License-Identifier: Apache-2.0
// SaslClient: our side of AUTH at a smart host, through libsasl2. Chooses SCRAM-SHA-256 where it is offered, PLAIN otherwise.
// Synchronous; SCRAM's key derivation takes as long as the server's iteration count says (at most 65,536: about 12 ms).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/sasl.h"
#include "base/result.h"
#include "base/secret.h"

namespace postern::auth {

class SaslClient {
 public:
  SaslClient(SaslLibrary& library, std::string user, Secret password);
  ~SaslClient();
  SaslClient(const SaslClient&) = delete;

  struct Begin {
    std::string mechanism;
    std::string initial;  ///< raw; the protocol encodes it
  };
  /// Only over TLS. Errors: unsupported (nothing we speak is offered), unavailable.
  Result<Begin> start(const std::vector<std::string>& offered);
  /// The raw answer to a raw challenge. Errors: denied (the server failed to prove itself, or broke the mechanism).
  Result<std::string> step(std::string_view challenge);
  /// True when the server has proven what the mechanism wants it to. A success reply before that is a forgery.
  bool complete() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace postern::auth
