// SPDX-License-Identifier: Apache-2.0
// MAIL and RCPT with the parameters that the server understands, and the table of what happens when it lacks an extension that a
// message needs. Pure functions.
//
//   message                                        server without it
//   SIZE=n larger than the server's limit          failed 5.3.4, nothing is sent
//   8-bit text                                     recoded to quoted-printable or base64, and signed again when we signed it
//     that cannot be recoded: in a header field,     sent as it is: every server of today is 8-bit clean, and a bounce or a
//     broken inside multipart/signed, under DKIM or ARC     signature would help nobody (seven_bit.h) of somebody else, too large
//     then
//   UTF-8 in an address or header field            failed 5.6.7 (RFC 6531 §3.4: no downgrade)
//   binary content (BODY=BINARYMIME)               never in the queue: smtp/binary.h makes base64 of it
//   REQUIRETLS                                     failed 5.7.30 (RFC 8689 §4.2.1)
//   NOTIFY, ORCPT, RET, ENVID                      left out; success is then reported by us as "relayed" (RFC 3461 §5.2.2)
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mail/outcome.h"
#include "outbound/capabilities.h"
#include "store/store.h"

namespace postern::outbound {

/// What carrying this message asks of a server.
struct Needs {
  bool smtputf8 = false;     ///< an address or a header field holds UTF-8
  bool require_tls = false;  ///< RFC 8689
  std::uint64_t size = 0;
};

/// `start` is the beginning of the message, with its whole header when that fits.
Needs needs_of(const store::QueueEntry& entry, std::string_view start);

/// What a server offers.
struct Offer {
  std::string_view host;  ///< its name, for people
  const Capabilities& capabilities;
  bool tls_verified = false;  ///< the connection is encrypted and the certificate proves the host, as REQUIRETLS demands
};

/// The outcome for all recipients when the server cannot take the message; nothing when it can.
std::optional<mail::Outcome> missing(const Needs& needs, const Offer& server);

/// "MAIL FROM:<a@b> SIZE=…" with CRLF. security.md D80: addresses are values that hold no CR or LF; ENVID and ORCPT are encoded
/// or left out.
std::string mail_command(const store::QueueEntry& entry, const Needs& needs, const Capabilities& offered);
/// "RCPT TO:<c@d> NOTIFY=…" with CRLF.
std::string rcpt_command(const mail::Recipient& recipient, const Capabilities& offered);

/// RFC 3461 §4: xtext = *( xchar / hexchar ).
std::string xtext(std::string_view text);

}  // namespace postern::outbound
