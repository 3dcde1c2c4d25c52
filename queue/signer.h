// SPDX-License-Identifier: Apache-2.0
// Signer: puts DKIM signatures (RFC 6376, RFC 8463) on what our people and we ourselves send elsewhere. It works at the door,
// once for each message: the signature becomes part of the prefix that is stored with the queue entry, so that every attempt
// sends the same.
//
// What is signed is what is sent; where outbound/ recodes a message for a server without 8BITMIME it has the copy signed anew
// (outbound/seven_bit.h). The body is read in pieces; a large one is never in memory as a whole.
#pragma once

#include <string>

#include "async/task.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "config/live.h"
#include "store/store.h"

namespace postern::policy {
class DkimBook;
}

namespace postern::queue {

/// Thread-safe.
class Signer {
 public:
  struct Parts {
    policy::DkimBook& book;
    const config::Live& config;
    const Clock& clock;
    Log& log;
    Metrics& metrics;
  };
  explicit Signer(Parts parts);

  /// The DKIM-Signature fields for this message, one for each active key of its author's domain, each ending in CRLF. Empty
  /// when there is no such key, no single clear From, or dkim.sign is off. A key that does not sign is logged and left out:
  /// mail is worth more than its signature. Errors: those of reading the body.
  async::Task<Result<std::string>> sign(store::BodyPtr body) const;

 private:
  Parts parts_;
  Counter signed_;
  Counter failed_;
};

}  // namespace postern::queue
