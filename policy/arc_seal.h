// SPDX-License-Identifier: Apache-2.0
// Sealing with ARC (RFC 8617 §5.1): who forwards a message says, signed, what he saw of SPF, DKIM and DMARC before the forwarding
// broke it. The private key stays with its oracle.
#pragma once

#include <string>

#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"
#include "policy/arc.h"
#include "policy/dkim_key.h"

namespace postern::policy {

struct ArcSealing {
  std::string domain;             ///< d=, ASCII
  std::string selector;           ///< s=
  std::string key_id;             ///< of the oracle
  std::string results;            ///< value of Authentication-Results, with the authserv-id
  ArcCode chain = ArcCode::none;  ///< what the chain so far was found to be
  UnixTime now = 0;
};

/// ARC-Seal, ARC-Message-Signature and ARC-Authentication-Results for the top of the message, each ending in CRLF. `header` is
/// the header block as it is sent, `body_digest` that of the body in relaxed form. Empty when the chain may not go on: it has 50
/// sets, it was declared broken before, or whether it is whole could not be found out (RFC 8617 §5.1.2). Errors: invalid (no
/// From), those of the oracle.
async::Task<Result<std::string>> seal_arc(KeyOracle& oracle, ArcSealing sealing, std::string header, std::string body_digest);

}  // namespace postern::policy
