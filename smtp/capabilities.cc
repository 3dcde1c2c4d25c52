// SPDX-License-Identifier: Apache-2.0
// The keyword lines of EHLO.
#include "smtp/capabilities.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace postern::smtp {

ParameterSet Offer::parameters(bool esmtp) const {
  if (!esmtp) return {};
  return {.size = true,
          .body = true,
          .smtputf8 = true,
          .dsn = true,
          .auth = !auth.empty(),
          .require_tls = require_tls,
          .now = now,
          .hold_until = hold_seconds == 0 ? 0 : now + hold_seconds};
}

// RFC 5321 §4.1.1.1
//   ehlo-ok-rsp = "250-" Domain [ SP ehlo-greet ] CRLF *( "250-" ehlo-line CRLF ) "250" SP ehlo-line CRLF
std::string announce(std::string_view hostname, const Offer& offer) {
  auto text = fmt::format(
      "{}\n"
      "PIPELINING\n"           // RFC 2920
      "SIZE {}\n"              // RFC 1870
      "8BITMIME\n"             // RFC 6152
      "SMTPUTF8\n"             // RFC 6531
      "ENHANCEDSTATUSCODES\n"  // RFC 2034
      "CHUNKING\n"             // RFC 3030
      "BINARYMIME\n"
      "DSN\n",  // RFC 3461
      hostname, offer.message_bytes);
  if (offer.require_tls) text += "REQUIRETLS\n";  // RFC 8689
  if (offer.hold_seconds != 0) {                  // RFC 4865 §3: the longest hold, in seconds and as a time
    const std::chrono::sys_seconds latest{std::chrono::seconds(offer.now + offer.hold_seconds)};
    text += fmt::format("FUTURERELEASE {} {:%Y-%m-%dT%H:%M:%SZ}\n", offer.hold_seconds, fmt::gmtime(latest));
  }
  if (offer.starttls) text += "STARTTLS\n";                                               // RFC 3207
  if (!offer.auth.empty()) text += fmt::format("AUTH {}\n", fmt::join(offer.auth, " "));  // RFC 4954
  text += fmt::format("LIMITS MAILMAX={} RCPTMAX={}", offer.messages, offer.recipients);  // RFC 9422
  return text;
}

}  // namespace postern::smtp
