// SPDX-License-Identifier: Apache-2.0
// Trace information of accepted messages.
#include "smtp/trace.h"

#include <fmt/format.h>

#include "mime/date.h"

namespace postern::smtp {

std::string address_literal(std::string_view ip) {
  return ip.contains(':') ? fmt::format("[IPv6:{}]", ip) : fmt::format("[{}]", ip);
}

// RFC 3848: ESMTP, ESMTPA, ESMTPS, ESMTPSA; RFC 6531 §4.3: UTF8SMTP, UTF8SMTPA, UTF8SMTPS, UTF8SMTPSA
std::string with_protocol(const Trace& trace) {
  std::string name = trace.smtputf8 ? "UTF8SMTP" : trace.esmtp ? "ESMTP" : "SMTP";
  if (!trace.tls.empty() && trace.esmtp) name += 'S';
  if (trace.authenticated && trace.esmtp) name += 'A';
  return name;
}

// RFC 5321 §4.4
//   Time-stamp-line = "Received:" FWS Stamp CRLF
//   Stamp           = From-domain By-domain Opt-info [CFWS] ";" FWS date-time
//   Opt-info        = [Via] [With] [ID] [For] [Additional-Registered-Clauses]
std::string received_field(const Trace& trace) {
  std::string out = "Received: ";
  if (!trace.helo.empty()) out += fmt::format("from {} ({})\r\n\t", trace.helo, address_literal(trace.ip));
  out += fmt::format("by {} with {}", trace.by, with_protocol(trace));
  if (!trace.tls.empty()) out += fmt::format(" ({})", trace.tls);
  out += fmt::format("\r\n\tid {}", trace.id);
  if (!trace.recipient.empty()) out += fmt::format(" for <{}>", trace.recipient);
  out += fmt::format(";\r\n\t{}\r\n", mime::format_date({trace.at, 0}));
  return out;
}

std::string received_field(const Conversation& talk, Origin origin) {
  const auto& transaction = *talk.transaction;
  const auto ip = talk.ip();
  const auto* const tls = talk.connection.tls();
  const auto cipher = tls != nullptr ? tls->version + ' ' + tls->cipher : std::string();
  // RFC 5321 §7.2: naming one of several recipients would tell the others about a blind copy.
  const auto& recipients = transaction.envelope.recipients;
  const auto recipient = recipients.size() == 1 ? recipients[0].address.to_string() : std::string();
  Trace trace;
  if (origin == Origin::shown) trace.helo = talk.helo;
  trace.ip = ip;
  trace.by = talk.config->server.hostname;
  trace.id = transaction.id;
  trace.recipient = recipient;
  trace.tls = cipher;
  trace.esmtp = talk.esmtp;
  trace.authenticated = talk.authenticated;
  trace.smtputf8 = transaction.envelope.smtputf8;
  trace.at = talk.parts.clock.unix_now();
  return received_field(trace);
}

}  // namespace postern::smtp
