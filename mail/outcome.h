// SPDX-License-Identifier: Apache-2.0
// Outcome: what became of one recipient at one attempt. The only question the queue asks a courier.
#pragma once

#include <cstdint>
#include <string>

#include "mail/status.h"

namespace postern::mail {

struct Outcome {
  enum class Kind : std::uint8_t { delivered, deferred, failed };
  Kind kind = Kind::deferred;
  std::uint16_t code = 0;   ///< the peer's reply code, or 0 when no peer spoke
  EnhancedStatus enhanced;  ///< the peer's, or ours when the peer gave none
  std::string text;         ///< the peer's reply text, or our reason; one line, safe for log and DSN
  std::string remote_host;  ///< who said it, or whom it is about when code is 0: Remote-MTA of RFC 3464 §2.3.5; may be empty
  bool dsn_passed = false;  ///< the peer offered DSN and took NOTIFY over, so success reports are its duty (RFC 3461 §5.2.1)

  /// The text is what another server said; otherwise it is our own finding, perhaps about that server.
  bool is_quoted() const { return code != 0 && !remote_host.empty(); }
};

}  // namespace postern::mail
