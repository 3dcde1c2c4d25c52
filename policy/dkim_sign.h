// SPDX-License-Identifier: Apache-2.0
// Signing with DKIM (RFC 6376 §5). The caller streams the body through a BodyHash and then asks for the field that goes on
// top of the message; the private key stays with its oracle.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"
#include "policy/dkim_canonical.h"
#include "policy/dkim_key.h"

namespace postern::policy {

struct DkimSigning {
  std::string domain;    ///< d=, ASCII
  std::string selector;  ///< s=
  std::string key_id;    ///< of the oracle
  std::string agent;     ///< i=; empty: left out
  Canonical header = Canonical::relaxed;
  Canonical body = Canonical::relaxed;
  std::optional<UnixTime> signed_at;
  std::optional<UnixTime> expires;
  std::size_t arc_instance = 0;  ///< not 0: an ARC-Message-Signature of this number (RFC 8617 §4.1.2)
};

/// The names for h=: every field of the block that says something to the reader, each as often as it occurs, and those that
/// must not be added later once more (security.md D45): From, To, Cc, Subject, Date, Message-ID, Reply-To and MIME fields.
std::vector<std::string> fields_to_sign(std::string_view header);

/// "DKIM-Signature: …" with folding and CRLF at the end, for this header block and the digest of the body in the same
/// canonical form. Errors: invalid (no From), those of the oracle.
async::Task<Result<std::string>> sign_dkim(KeyOracle& oracle, DkimSigning signing, std::string header, std::string body_digest);

}  // namespace postern::policy
