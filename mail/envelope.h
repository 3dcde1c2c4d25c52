// SPDX-License-Identifier: Apache-2.0
// Envelope: everything SMTP says about a message beside its content. A plain value.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mail/address.h"

namespace postern::mail {

/// BODY= of RFC 6152 and RFC 3030.
enum class BodyType : unsigned char { seven_bit, eight_bit_mime, binary_mime };

/// NOTIFY= of RFC 3461 §4.1 as bits; `none_given` when the parameter was absent.
enum Notify : unsigned char { notify_unset = 0, notify_never = 1, notify_success = 2, notify_failure = 4, notify_delay = 8 };
/// RET= of RFC 3461 §4.3.
enum class Return : unsigned char { unset, full, headers };

struct Recipient {
  Address address;
  unsigned char notify = notify_unset;  ///< bits of Notify
  std::string orcpt;                    ///< "rfc822;user@example.org" as given, or empty (RFC 3461 §4.2)
};

struct Envelope {
  ReversePath sender;
  std::vector<Recipient> recipients;
  BodyType body = BodyType::seven_bit;
  bool smtputf8 = false;     ///< RFC 6531 §3.4
  bool require_tls = false;  ///< RFC 8689
  Return ret = Return::unset;
  std::string envid;                           ///< RFC 3461 §4.4, xtext decoded
  std::optional<std::uint64_t> declared_size;  ///< SIZE= of RFC 1870
  std::int64_t hold_until = 0;                 ///< HOLDFOR= or HOLDUNTIL= of RFC 4865 as time; 0: send at once
};

}  // namespace postern::mail
