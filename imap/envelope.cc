// SPDX-License-Identifier: Apache-2.0
// Parses the ENVELOPE text that mime::imap_envelope wrote, by the grammar of the wire.
#include "imap/envelope.h"

#include "mime/date.h"

namespace postern::imap {
namespace {

constexpr std::int64_t seconds_a_minute = 60;

// RFC 3501 §9: address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"; all four are nstrings
FirstAddress read_address(Parser& in) {
  FirstAddress out;
  in.expect('(');
  out.name = in.nstring().value_or("");
  in.sp();
  in.nstring();
  in.sp();
  out.mailbox = in.nstring().value_or("");
  in.sp();
  out.host = in.nstring().value_or("");
  in.expect(')');
  return out;
}

// env-from = "(" 1*address ")" / nil
FirstAddress read_addresses(Parser& in) {
  FirstAddress first;
  if (!in.take_keyword("NIL")) {
    in.expect('(');
    for (bool is_first = true; in.is('('); is_first = false) {
      auto address = read_address(in);
      if (is_first) first = std::move(address);
    }
    in.expect(')');
  }
  in.sp();
  return first;
}

}  // namespace

// RFC 3501 §9: envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP env-cc SP env-bcc SP
//              env-in-reply-to SP env-message-id ")"
Result<Envelope> Envelope::parse(std::string_view text) {
  Envelope out;
  Parser in(text);
  in.expect('(');
  if (const auto written = in.nstring()) {
    if (const auto date = mime::parse_date(*written)) {
      out.sent_ = day_at(date->at + date->zone_minutes * seconds_a_minute);
      out.sent_at_ = date->at;
    }
  }
  in.sp();
  out.subject_ = in.nstring().value_or("");
  in.sp();
  out.from_ = read_addresses(in);
  read_addresses(in);  // sender
  read_addresses(in);  // reply-to
  out.to_ = read_addresses(in);
  out.cc_ = read_addresses(in);
  read_addresses(in);  // bcc
  out.in_reply_to_ = in.nstring().value_or("");
  in.sp();
  out.message_id_ = in.nstring().value_or("");
  in.expect(')');
  in.end();
  if (!in.ok()) return postern::fail(ErrorKind::corrupt, "cached envelope: " + in.fault().text);
  return out;
}

}  // namespace postern::imap
