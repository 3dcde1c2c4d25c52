// SPDX-License-Identifier: Apache-2.0
// Parses the ENVELOPE text that mime::imap_envelope wrote, by the grammar of the wire.
#include "imap/envelope.h"

#include "mime/date.h"

namespace postern::imap {
namespace {

constexpr std::int64_t seconds_a_minute = 60;
/// nstrings of an address, and lists of addresses in an envelope.
constexpr int address_strings = 4;
constexpr int address_lists = 6;

// RFC 3501 §9: address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"; all four are nstrings
void skip_address(Parser& in) {
  in.expect('(');
  for (int i = 0; i < address_strings; ++i) {
    if (i != 0) in.sp();
    in.nstring();
  }
  in.expect(')');
}

// env-from = "(" 1*address ")" / nil
void skip_addresses(Parser& in) {
  if (!in.take_keyword("NIL")) {
    in.expect('(');
    while (in.is('(')) skip_address(in);
    in.expect(')');
  }
  in.sp();
}

std::optional<Day> day_of(std::string_view date_text) {
  const auto date = mime::parse_date(date_text);
  if (!date) return std::nullopt;
  return day_at(date->at + date->zone_minutes * seconds_a_minute);
}

}  // namespace

// RFC 3501 §9: envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP env-cc SP env-bcc SP
//              env-in-reply-to SP env-message-id ")"
Result<Envelope> Envelope::parse(std::string_view text) {
  Envelope out;
  Parser in(text);
  in.expect('(');
  if (const auto date = in.nstring()) out.sent_ = day_of(*date);
  in.sp();
  in.nstring();
  in.sp();
  for (int i = 0; i < address_lists; ++i) skip_addresses(in);
  in.nstring();
  in.sp();
  in.nstring();
  in.expect(')');
  in.end();
  if (!in.ok()) return postern::fail(ErrorKind::corrupt, "cached envelope: " + in.fault().text);
  return out;
}

}  // namespace postern::imap
