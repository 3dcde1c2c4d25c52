// SPDX-License-Identifier: Apache-2.0
// The text of delivery status notifications: multipart/report of RFC 3461, RFC 3462, RFC 3464 and, for international mail,
// RFC 6533. A pure function. The first part is for people: what happened, what the other side said, what to do.
//
// security.md D80: every value that reaches a header or a status field is checked by mime::HeaderWriter; a value from outside
// that is not fit (an ENVID, an ORCPT) is left out, and the notice is made without it.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "mail/outcome.h"
#include "store/store.h"

namespace postern::queue {

struct DsnRecipient {
  mail::Recipient recipient;
  mail::Outcome outcome;
  bool expired = false;  ///< given up after the lifetime
};

struct Dsn {
  /// RFC 3464 §2.3.3. "relayed" also means that the next server gives no reports; "delivered" is our own mailbox.
  enum class Action : std::uint8_t { failed, delayed, relayed, delivered };
  Action action = Action::failed;
  mail::ReversePath to;             ///< the sender of the message it is about; never null
  std::vector<DsnRecipient> about;  ///< at least one
  std::string envid;
  UnixTime arrived = 0;
  UnixTime retry_until = 0;  ///< for delayed
  UnixTime now = 0;
  std::string hostname;   ///< ours, canonical ASCII
  bool smtputf8 = false;  ///< the message came with SMTPUTF8, so the notice may go with it (RFC 6533)
  /// The header block of the message (CRLF lines), and the whole of it where it is to be returned.
  std::string header;
  std::string whole;
};

/// A whole message, CRLF lines. Errors: invalid (a hostname that is no domain).
Result<std::string> compose(const Dsn& dsn);

/// What a person can do about this status; whole sentences (RFC 3463 §3).
std::string_view advice(const mail::Outcome& outcome);

}  // namespace postern::queue
