// SPDX-License-Identifier: Apache-2.0
// The commands as they go over the wire.
#include "outbound/commands.h"

#include "base/ascii.h"

namespace postern::outbound {

namespace {

/// Longest ENVID and ORCPT (RFC 3461 §4.2, §4.4).
constexpr std::size_t max_envid = 100;
constexpr std::size_t max_orcpt = 500;

/// Our own finding about the server: it has no reply code, for the server was not asked.
mail::Outcome failed(mail::EnhancedStatus status, std::string_view host, std::string_view text) {
  mail::Outcome outcome;
  outcome.kind = mail::Outcome::Kind::failed;
  outcome.enhanced = status;
  outcome.text = fmt::format("{} {}", host, text);
  outcome.remote_host = std::string(host);
  return outcome;
}

/// The header block of a message that starts so.
std::string_view header_of(std::string_view start) {
  const std::size_t end = start.find("\r\n\r\n");
  return start.substr(0, end);
}

// RFC 3461 §4.2: orcpt-parameter = "ORCPT=" addr-type ";" xtext. It came so from a client and is passed on unchanged when it
// still has that form.
bool is_orcpt(std::string_view text) {
  const bool printable = std::ranges::all_of(text, [](char c) { return ascii::is_vchar(c) && c != '='; });
  return !text.empty() && text.size() <= max_orcpt && printable && text.find(';') != std::string_view::npos;
}

// RFC 3461 §4.1
std::string notify_text(unsigned char notify) {
  if ((notify & mail::notify_never) != 0) return "NEVER";
  std::string out;
  const auto add = [&out, notify](mail::Notify bit, std::string_view word) {
    if ((notify & bit) == 0) return;
    if (!out.empty()) out += ',';
    out += word;
  };
  add(mail::notify_success, "SUCCESS");
  add(mail::notify_failure, "FAILURE");
  add(mail::notify_delay, "DELAY");
  return out;
}

}  // namespace

std::string xtext(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (ascii::is_vchar(c) && c != '+' && c != '=') {
      out += c;
    } else {
      out += fmt::format("+{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

Needs needs_of(const store::QueueEntry& entry, std::string_view start) {
  Needs needs;
  needs.size = entry.size;
  needs.require_tls = entry.require_tls;
  needs.smtputf8 = entry.sender && entry.sender->needs_smtputf8();
  for (const auto& one : entry.recipients) needs.smtputf8 |= one.recipient.address.needs_smtputf8();
  // A message that came without SMTPUTF8 and has raw 8-bit octets in its header is sent on as it came.
  if (entry.smtputf8) needs.smtputf8 |= !ascii::is_ascii(header_of(start));
  return needs;
}

std::optional<mail::Outcome> missing(const Needs& needs, const Offer& server) {
  const auto& offered = server.capabilities;
  if (offered.size && *offered.size > 0 && needs.size > *offered.size) {
    return failed({5, 3, 4}, server.host,
                  fmt::format("takes messages of up to {} octets, and this one has {}", *offered.size, needs.size));
  }
  if (needs.smtputf8 && !offered.smtputf8) {
    return failed({5, 6, 7}, server.host, "cannot take international addresses or header fields, and this message has such");
  }
  if (needs.require_tls && !(server.tls_verified && offered.require_tls)) {
    return failed({5, 7, 30}, server.host,
                  "cannot promise verified encryption all the way, which the sender demands (REQUIRETLS)");
  }
  return std::nullopt;
}

// RFC 5321 §4.1.1.2
std::string mail_command(const store::QueueEntry& entry, const Needs& needs, const Capabilities& offered) {
  std::string out = "MAIL FROM:<";
  if (entry.sender) out += entry.sender->to_string();
  out += '>';
  if (offered.size) out += fmt::format(" SIZE={}", needs.size);
  if (entry.body_type == mail::BodyType::eight_bit_mime && offered.eight_bit_mime) {
    out += " BODY=8BITMIME";
  }
  if (entry.smtputf8 && offered.smtputf8) out += " SMTPUTF8";
  if (needs.require_tls) out += " REQUIRETLS";
  if (offered.dsn && entry.ret != mail::Return::unset) out += entry.ret == mail::Return::full ? " RET=FULL" : " RET=HDRS";
  if (offered.dsn && !entry.envid.empty() && entry.envid.size() <= max_envid) out += " ENVID=" + xtext(entry.envid);
  return out + "\r\n";
}

// RFC 5321 §4.1.1.3
std::string rcpt_command(const mail::Recipient& recipient, const Capabilities& offered) {
  std::string out = "RCPT TO:<" + recipient.address.to_string() + ">";
  if (offered.dsn && recipient.notify != mail::notify_unset) out += " NOTIFY=" + notify_text(recipient.notify);
  if (offered.dsn && is_orcpt(recipient.orcpt)) out += " ORCPT=" + recipient.orcpt;
  return out + "\r\n";
}

}  // namespace postern::outbound
