// SPDX-License-Identifier: Apache-2.0
// Parses the ENVELOPE text that mime::imap_envelope wrote, by the grammar of the wire.
#include "imap/envelope.h"

#include "base/ascii.h"
#include "mime/charset.h"
#include "mime/date.h"
#include "mime/encoded_word.h"

namespace postern::imap {
namespace {

constexpr std::int64_t seconds_a_minute = 60;

std::string comparable(std::string_view text) { return mime::casemap(mime::decode_words(text)); }

// RFC 3501 §9: address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"; all four are nstrings
void append_address(Parser& in, std::string& out) {
  in.expect('(');
  const auto name = in.nstring();
  in.sp();
  in.nstring();
  in.sp();
  const auto mailbox = in.nstring();
  in.sp();
  const auto host = in.nstring();
  in.expect(')');
  if (!out.empty()) out += ", ";
  if (name) out.append(mime::decode_words(*name)).append(" ");
  out.append("<").append(mailbox.value_or("")).append(host ? "@" : "").append(host.value_or("")).append(">");
}

// env-from = "(" 1*address ")" / nil
std::string addresses(Parser& in) {
  std::string out;
  if (!in.take_keyword("NIL")) {
    in.expect('(');
    while (in.is('(')) append_address(in, out);
    in.expect(')');
  }
  in.sp();
  return mime::casemap(out);
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
  out.subject_ = comparable(in.nstring().value_or(""));
  in.sp();
  out.from_ = addresses(in);
  addresses(in);
  addresses(in);
  out.to_ = addresses(in);
  out.cc_ = addresses(in);
  out.bcc_ = addresses(in);
  out.in_reply_to_ = comparable(in.nstring().value_or(""));
  in.sp();
  out.message_id_ = comparable(in.nstring().value_or(""));
  in.expect(')');
  in.end();
  if (!in.ok()) return postern::fail(ErrorKind::corrupt, "cached envelope: " + in.fault().text);
  return out;
}

std::string_view Envelope::text(std::string_view field) const {
  if (field == "subject") return subject_;
  if (field == "from") return from_;
  if (field == "to") return to_;
  if (field == "cc") return cc_;
  if (field == "bcc") return bcc_;
  if (field == "in-reply-to") return in_reply_to_;
  if (field == "message-id") return message_id_;
  return {};
}

void EnvelopeFilter::look_at(std::string_view envelope) {
  plain_ = ascii::is_ascii(envelope) && envelope.find("=?") == std::string_view::npos &&
           envelope.find_first_of("{\\") == std::string_view::npos;
  if (!plain_) return;
  folded_.resize(envelope.size());
  std::ranges::transform(envelope, folded_.begin(), [](char c) { return ascii::upper(c); });
}

// Addresses are compared as "name <mailbox@host>", which the envelope has in pieces: the longest piece has to be there.
bool EnvelopeFilter::may_have(std::string_view text) const {
  if (!plain_) return true;
  std::string_view longest;
  while (!text.empty()) {
    const auto piece = text.substr(0, text.find_first_of(" <>@,"));
    if (piece.size() > longest.size()) longest = piece;
    text.remove_prefix(std::min(text.size(), piece.size() + 1));
  }
  return longest.empty() || ::memmem(folded_.data(), folded_.size(), longest.data(), longest.size()) != nullptr;
}

}  // namespace postern::imap
