// SPDX-License-Identifier: Apache-2.0
// Composition of notices. The order of the parts is that of RFC 3462 §2: text, status, returned message.
#include "queue/dsn.h"

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/encoding.h"
#include "mime/date.h"
#include "mime/encoded_word.h"
#include "mime/header.h"
#include "mime/transfer_encoding.h"
#include "mime/writer.h"

namespace postern::queue {

namespace {

constexpr std::size_t text_width = 72;        ///< columns of the part for people
constexpr std::size_t longest_subject = 100;  ///< octets of the original subject that are quoted
constexpr std::string_view line_end = "\r\n";

std::string_view action_word(Dsn::Action action) {
  switch (action) {
    case Dsn::Action::failed: return "failed";
    case Dsn::Action::delayed: return "delayed";
    case Dsn::Action::relayed: return "relayed";
    case Dsn::Action::delivered: return "delivered";
  }
  return "failed";
}

std::string_view subject_line(Dsn::Action action) {
  switch (action) {
    case Dsn::Action::failed: return "Your message could not be delivered";
    case Dsn::Action::delayed: return "Your message is delayed";
    case Dsn::Action::relayed: return "Your message was passed on";
    case Dsn::Action::delivered: return "Your message was delivered";
  }
  return "";
}

/// For fields that may only be ASCII.
std::string ascii_only(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(out, [](char c) { return ascii::is_eight_bit(c) || ascii::is_ctl(c); }, '?');
  return out;
}

/// Wraps at spaces; every line begins with `indent`. Line ends and controls in the text become spaces.
void put_paragraph(std::string& out, std::string_view indent, std::string_view text) {
  std::size_t column = 0;
  const std::string clean = mime::clean_text(text);
  Cursor in(clean);
  while (!in.at_end()) {
    const auto word = in.take_until(' ');
    in.skip_wsp();
    if (word.empty()) continue;
    if (column != 0 && column + 1 + word.size() > text_width) {
      out += line_end;
      column = 0;
    }
    const std::string_view before = column == 0 ? indent : std::string_view(" ");
    out.append(before).append(word);
    column += before.size() + word.size();
  }
  out += line_end;
}

std::string opening(const Dsn& dsn) {
  const std::string_view to = dsn.about.size() > 1 ? "the following addresses" : "the following address";
  switch (dsn.action) {
    case Dsn::Action::failed: return fmt::format("Your message could not be delivered to {}, and we will not try again:", to);
    case Dsn::Action::delayed:
      return fmt::format("Your message could not be delivered to {} yet. You need not do anything: we go on trying until {}.", to,
                         mime::format_date({dsn.retry_until, 0}));
    case Dsn::Action::relayed:
      return fmt::format(
          "Your message was handed to the next mail server for {}. That server gives no delivery reports, so this is the last "
          "you hear from us:",
          to);
    case Dsn::Action::delivered: return fmt::format("Your message was delivered to the mailbox of {}:", to);
  }
  return {};
}

void put_reason(std::string& out, const Dsn& dsn, const DsnRecipient& one) {
  const auto& outcome = one.outcome;
  if (outcome.is_quoted()) {
    put_paragraph(out, "    ", fmt::format("The mail server {} said: {} {}", outcome.remote_host, outcome.code, outcome.text));
  } else {
    put_paragraph(out, "    ", "Reason: " + outcome.text);
  }
  if (one.expired)
    put_paragraph(out, "    ", "We have tried again and again for the whole time that we keep mail, and stopped now.");
  if (dsn.action == Dsn::Action::failed) put_paragraph(out, "    ", advice(outcome));
}

/// The subject of the message, readable, or nothing.
std::string original_subject(const Dsn& dsn) {
  std::string subject = mime::decode_words(mime::Header(dsn.header).value("Subject"));
  if (subject.size() > longest_subject) subject.resize(longest_subject);
  while (!subject.empty() && !is_utf8(subject)) subject.pop_back();
  return mime::check_field_text(subject) ? subject : std::string();
}

std::string text_for_people(const Dsn& dsn) {
  std::string out;
  put_paragraph(out, "", fmt::format("This is the mail server {}.", dsn.hostname));
  out += line_end;
  put_paragraph(out, "", opening(dsn));
  for (const auto& one : dsn.about) {
    out.append(line_end).append("  <").append(one.recipient.address.to_unicode()).append(">").append(line_end);
    if (dsn.action == Dsn::Action::failed || dsn.action == Dsn::Action::delayed) put_reason(out, dsn, one);
  }
  out += line_end;
  const std::string subject = original_subject(dsn);
  if (!subject.empty()) put_paragraph(out, "", "Subject of your message: " + subject);
  put_paragraph(out, "", "We received it on " + mime::format_date({dsn.arrived, 0}) + ".");
  put_paragraph(out, "", dsn.whole.empty() ? "Its header is attached." : "It is attached.");
  return out;
}

// RFC 6533 §3: utf-8-address where the notice may hold UTF-8, utf-8-addr-xtext otherwise.
std::string typed_address(const mail::Address& address, bool smtputf8) {
  if (!address.needs_smtputf8()) return "rfc822; " + address.to_string();
  if (smtputf8) return "utf-8; " + address.to_unicode();
  std::string out = "utf-8; ";
  const std::string text = address.to_string();
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = std::max<std::size_t>(utf8_sequence(std::string_view(text).substr(i)), 1);
    if (n == 1) {
      out += text[i++];
      continue;
    }
    // embedded-unicode-char = "\x{" HEXPOINT "}"
    std::uint32_t point = static_cast<unsigned char>(text[i]) & (0x7fU >> n);
    for (std::size_t k = 1; k < n; ++k) point = point << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3fU);
    out += fmt::format("\\x{{{:X}}}", point);
    i += n;
  }
  return out;
}

// RFC 3461 §6.3: Original-Recipient shows ORCPT with its xtext decoded. A "+" that begins no hexchar stays.
std::string decode_xtext(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octet = text[i] == '+' ? hex_decode(text.substr(i + 1, 2)) : Result<std::string>(std::string());
    if (octet && octet->size() == 1) {
      out += *octet;
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// A field from outside: left out when it is not fit for a header (security.md D80).
void put_foreign(mime::HeaderWriter& fields, std::string_view name, std::string_view value) {
  if (!value.empty() && mime::check_field_text(value) && ascii::is_ascii(value)) fields.field(name, value);
}

// RFC 3464 §2.2, §2.3
Result<std::string> status_of(const Dsn& dsn, const DsnRecipient& one) {
  mime::HeaderWriter fields;
  put_foreign(fields, "Original-Recipient", decode_xtext(one.recipient.orcpt));
  fields.field("Final-Recipient", typed_address(one.recipient.address, dsn.smtputf8));
  fields.field("Action", action_word(dsn.action));
  fields.field("Status", one.outcome.enhanced.to_string());
  if (!one.outcome.remote_host.empty()) fields.field("Remote-MTA", "dns; " + ascii_only(one.outcome.remote_host));
  if (one.outcome.is_quoted()) {
    fields.field("Diagnostic-Code", fmt::format("smtp; {} {}", one.outcome.code, ascii_only(one.outcome.text)));
  } else if (!one.outcome.text.empty()) {
    fields.field("Diagnostic-Code", "x-postern; " + ascii_only(one.outcome.text));
  }
  fields.date("Last-Attempt-Date", {dsn.now, 0});
  if (dsn.action == Dsn::Action::delayed) fields.date("Will-Retry-Until", {dsn.retry_until, 0});
  return fields.finish();
}

Result<std::string> status_text(const Dsn& dsn) {
  mime::HeaderWriter fields;
  put_foreign(fields, "Original-Envelope-Id", dsn.envid);
  fields.field("Reporting-MTA", "dns; " + dsn.hostname);
  fields.date("Arrival-Date", {dsn.arrived, 0});
  auto out = fields.finish();
  for (const auto& one : dsn.about) {
    if (!out) return out;
    const auto group = status_of(dsn, one);
    if (!group) return group;
    out->append(line_end).append(*group);
  }
  return out;
}

mime::BodyPart people_part(const Dsn& dsn) {
  const std::string text = text_for_people(dsn);
  mime::BodyPart part;
  part.header.field("Content-Type", "text/plain; charset=utf-8").field("Content-Description", "Notification");
  if (ascii::is_ascii(text)) {
    part.body = text;
  } else {
    part.header.field("Content-Transfer-Encoding", "quoted-printable");
    part.body = mime::encode_transfer(text, mime::TransferEncoding::quoted_printable);
  }
  return part;
}

Result<mime::BodyPart> status_part(const Dsn& dsn) {
  auto text = status_text(dsn);
  if (!text) return std::unexpected(text.error());
  mime::BodyPart part;
  part.header.field("Content-Type", dsn.smtputf8 ? "message/global-delivery-status" : "message/delivery-status");
  part.header.field("Content-Description", "Delivery report");
  if (!ascii::is_ascii(*text)) part.header.field("Content-Transfer-Encoding", "8bit");
  part.body = std::move(*text);
  return part;
}

mime::BodyPart returned_part(const Dsn& dsn) {
  mime::BodyPart part;
  std::string_view type = dsn.smtputf8 ? "message/global-headers" : "text/rfc822-headers";
  if (!dsn.whole.empty()) type = dsn.smtputf8 ? "message/global" : "message/rfc822";
  part.body = dsn.whole.empty() ? dsn.header : dsn.whole;
  part.header.field("Content-Type", type);
  part.header.field("Content-Description", dsn.whole.empty() ? "Header of your message" : "Your message");
  if (!ascii::is_ascii(part.body)) part.header.field("Content-Transfer-Encoding", "8bit");
  return part;
}

Result<mime::HeaderWriter> header_of(const Dsn& dsn) {
  const auto host = mail::Domain::parse(dsn.hostname);
  if (!host) return std::unexpected(host.error());
  mime::HeaderWriter header;
  header.date("Date", {dsn.now, 0});
  header.field("Message-ID", mime::make_message_id(dsn.now, *host));
  header.address("From", {"Mail server " + dsn.hostname, mail::Address("MAILER-DAEMON", *host)});
  header.address("To", {"", *dsn.to});
  header.text("Subject", subject_line(dsn.action));
  // RFC 3834 §5
  header.field("Auto-Submitted", "auto-replied");
  const std::string about = mime::Header(dsn.header).value("Message-ID");
  if (about.size() <= mime::max_line / 2 && about.starts_with('<') && about.ends_with('>')) {
    put_foreign(header, "In-Reply-To", about);
    put_foreign(header, "References", about);
  }
  return header;
}

}  // namespace

// RFC 3463 §3
std::string_view advice(const mail::Outcome& outcome) {
  const auto& status = outcome.enhanced;
  if (status.subject == 1) {
    if (status.detail == 2) return "The domain of this address does not exist. Check the part after the @.";
    if (status.detail == 10) return "The domain of this address accepts no mail at all.";
    if (status.detail == 7 || status.detail == 8) return "The other side objects to your own address. Ask your postmaster.";
    return "This address does not exist there. Check its spelling, or ask the recipient for the right one in another way.";
  }
  if (status.subject == 2) {
    if (status.detail == 2) return "The mailbox is full. Tell the recipient in another way, and send the message again later.";
    return "The mailbox takes no mail at present. Tell the recipient in another way.";
  }
  if (status.subject == 3 && status.detail == 4) {
    return "The message is too large for the other side. Send it with smaller attachments, or send a link to them.";
  }
  if (status.subject == 4 && status.detail == 6) {
    return "The message goes round in circles between mail servers. Your postmaster, or the one of that address, has to mend "
           "that.";
  }
  if (status.subject == 4) return "The mail server of that domain could not be reached. Send it again later, or use another way.";
  if (status.subject == 6 && status.detail == 7)
    return "The other side cannot take addresses or subjects in this script. Ask the recipient for an address in plain letters.";
  if (status.subject == 6)
    return "The other side cannot take this form of message. Send it without unusual characters or formats.";
  if (status.subject == 7 && status.detail == 30)
    return "Your message may only travel encrypted, and the other side cannot do that. Send it without this demand, or use "
           "another way.";
  if (status.subject == 7)
    return "The other side refuses this message by its rules. If that is a mistake, show this notice to your postmaster.";
  return "If you do not know what to do, show this notice to your postmaster.";
}

Result<std::string> compose(const Dsn& dsn) {
  mime::Multipart report;
  auto header = header_of(dsn);
  if (!header) return std::unexpected(header.error());
  auto status = status_part(dsn);
  if (!status) return std::unexpected(status.error());
  report.header = std::move(*header);
  report.subtype = "report";
  report.parameters.push_back({.name = "report-type", .value = "delivery-status"});
  report.boundary = mime::make_boundary();
  report.parts.push_back(people_part(dsn));
  report.parts.push_back(std::move(*status));
  report.parts.push_back(returned_part(dsn));
  return mime::write_multipart(report);
}

}  // namespace postern::queue
