// SPDX-License-Identifier: Apache-2.0
// The Received field (RFC 5321 §4.4). Everything in it comes from values whose grammar was checked; none can end the field.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "smtp/conversation.h"

namespace postern::smtp {

struct Trace {
  std::string_view helo;  ///< empty: no FROM clause (submission hides the inside network)
  std::string_view ip;
  std::string_view by;
  std::string_view id;
  std::string_view recipient;  ///< for the FOR clause; empty: none
  std::string_view tls;        ///< "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty without TLS
  bool esmtp = false;
  bool authenticated = false;
  bool smtputf8 = false;
  UnixTime at = 0;
};

/// The field, folded, ending in CRLF.
std::string received_field(const Trace& trace);
/// "ESMTPS" and the like (RFC 3848, RFC 6531 §4.3).
std::string with_protocol(const Trace& trace);
/// "192.0.2.1" → "[192.0.2.1]", "2001:db8::1" → "[IPv6:2001:db8::1]".
std::string address_literal(std::string_view ip);

/// What is hidden from the readers of a Received field.
enum class Origin : std::uint8_t { shown, hidden };
/// The field for the transaction under way.
std::string received_field(const Conversation& talk, Origin origin);

}  // namespace postern::smtp
