// SPDX-License-Identifier: Apache-2.0
// Reads the ENVELOPE text that mime::imap_envelope wrote. SORT and THREAD read one for each message, so parse() only finds where
// things are; what is asked for is copied then.
#include "imap/envelope.h"

#include <charconv>

#include "base/ascii.h"
#include "mime/date.h"

namespace postern::imap {
namespace {

constexpr std::int64_t seconds_a_minute = 60;

/// The grammar of RFC 3501 §9, as far as envelopes need it. After the first fault everything is empty and ok() is false.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

  void expect(char c) {
    if (!take(c)) give_up();
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool is(char c) const { return rest_.starts_with(c); }
  bool take_nil() {
    if (!ascii::istarts_with(rest_, "NIL")) return false;
    rest_.remove_prefix(3);
    return true;
  }

  /// nstring = string / nil; empty for NIL.
  std::string nstring() {
    const auto [text, escaped] = raw();
    if (!escaped) return std::string(text);
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\\') ++i;
      out += text[i];
    }
    return out;
  }
  /// The same as it is written.
  std::string_view token() {
    const auto from = rest_;
    raw();
    return before_rest(from);
  }
  /// What was read since the rest was `from`.
  std::string_view before_rest(std::string_view from) const { return from.substr(0, from.size() - rest_.size()); }
  std::string_view rest() const { return rest_; }

 private:
  struct Raw {
    std::string_view text;
    bool escaped = false;
  };

  Raw raw() {
    if (!is('"') && take_nil()) return {};
    if (is('{')) return {literal()};
    expect('"');
    Raw out;
    std::size_t end = 0;
    for (; end < rest_.size() && rest_[end] != '"'; ++end) {
      if (rest_[end] != '\\') continue;
      out.escaped = true;
      ++end;
    }
    if (end >= rest_.size()) {
      give_up();
      return {};
    }
    out.text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return out;
  }

  // RFC 3501 §9: literal = "{" number "}" CRLF *CHAR8
  std::string_view literal() {
    constexpr std::string_view close = "}\r\n";
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(rest_.data() + 1, rest_.data() + rest_.size(), size);
    if (error == std::errc()) rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    if (error != std::errc() || !rest_.starts_with(close) || size > rest_.size() - close.size()) {
      give_up();
      return {};
    }
    const auto out = rest_.substr(close.size(), size);
    rest_.remove_prefix(close.size() + size);
    return out;
  }

  void give_up() {
    ok_ = false;
    rest_ = {};
  }

  std::string_view rest_;
  bool ok_ = true;
};

// RFC 3501 §9: address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"; all four are nstrings
FirstAddress read_address(std::string_view text) {
  FirstAddress out;
  if (text.empty()) return out;
  Scanner in(text);
  in.expect('(');
  out.name = in.nstring();
  in.expect(' ');
  in.token();
  in.expect(' ');
  out.mailbox = in.nstring();
  in.expect(' ');
  out.host = in.nstring();
  return out;
}

void pass_address(Scanner& in) {
  in.expect('(');
  for (int i = 0; i < 4; ++i) {
    if (i != 0) in.expect(' ');
    in.token();
  }
  in.expect(')');
}

/// env-from = "(" 1*address ")" / nil; gives the first address.
std::string_view pass_addresses(Scanner& in) {
  std::string_view first;
  if (!in.take_nil()) {
    in.expect('(');
    const auto from = in.rest();
    if (in.is('(')) {
      pass_address(in);
      first = in.before_rest(from);
    }
    while (in.is('(')) pass_address(in);
    in.expect(')');
  }
  in.expect(' ');
  return first;
}

std::string read_string(std::string_view text) { return text.empty() ? std::string() : Scanner(text).nstring(); }

}  // namespace

// RFC 3501 §9: envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP env-cc SP env-bcc SP
//              env-in-reply-to SP env-message-id ")"
Result<Envelope> Envelope::parse(std::string_view text) {
  Envelope out;
  Scanner in(text);
  in.expect('(');
  out.date_ = in.token();
  in.expect(' ');
  out.subject_ = in.token();
  in.expect(' ');
  out.from_ = pass_addresses(in);
  pass_addresses(in);  // sender
  pass_addresses(in);  // reply-to
  out.to_ = pass_addresses(in);
  out.cc_ = pass_addresses(in);
  pass_addresses(in);  // bcc
  out.in_reply_to_ = in.token();
  in.expect(' ');
  out.message_id_ = in.token();
  in.expect(')');
  if (!in.ok() || !in.at_end()) return postern::fail(ErrorKind::corrupt, "a cached envelope is damaged");
  return out;
}

std::optional<Day> Envelope::sent() const {
  const auto date = mime::parse_date(read_string(date_));
  if (!date) return std::nullopt;
  return day_at(date->at + date->zone_minutes * seconds_a_minute);
}

std::optional<UnixTime> Envelope::sent_at() const {
  const auto date = mime::parse_date(read_string(date_));
  if (!date) return std::nullopt;
  return date->at;
}

std::string Envelope::subject() const { return read_string(subject_); }
FirstAddress Envelope::from() const { return read_address(from_); }
FirstAddress Envelope::to() const { return read_address(to_); }
FirstAddress Envelope::cc() const { return read_address(cc_); }
std::string Envelope::in_reply_to() const { return read_string(in_reply_to_); }
std::string Envelope::message_id() const { return read_string(message_id_); }

}  // namespace postern::imap
