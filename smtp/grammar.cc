// SPDX-License-Identifier: Apache-2.0
// Command grammar. Paths are mail::Address with its angle brackets; source routes are refused (security.md D15).
#include "smtp/grammar.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/encoding.h"

namespace postern::smtp {
namespace {

namespace status = mail::status;

/// Longest declared size that is a number at all: 20 digits (RFC 1870 §3).
constexpr std::size_t max_size_digits = 20;

// RFC 5321 §4.1.2
//   esmtp-param   = esmtp-keyword ["=" esmtp-value]
//   esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
//   esmtp-value   = 1*(%d33-60 / %d62-126)               (RFC 6531 §3.3: / UTF8-non-ascii)
struct Parameter {
  std::string_view keyword;
  std::optional<std::string_view> value;
};

bool is_keyword(char c) { return ascii::is_alnum(c) || c == '-'; }
bool is_value(char c) { return (ascii::is_vchar(c) && c != '=') || ascii::is_eight_bit(c); }

/// The next parameter after at least one space; nothing at the end. The status is set when there is something else.
Parsed<std::optional<Parameter>> take_parameter(Cursor& in) {
  if (in.at_end()) return std::nullopt;
  if (!in.is(' ')) return std::unexpected(status::bad_syntax);
  in.take_while([](char c) { return c == ' '; });
  if (in.at_end()) return std::nullopt;
  Parameter parameter;
  parameter.keyword = in.take_while(is_keyword);
  if (parameter.keyword.empty() || parameter.keyword[0] == '-') return std::unexpected(status::bad_syntax);
  if (in.take('=')) {
    // ORCPT and AUTH may hold "=" inside of xtext only as +3D, but mailboxes in AUTH= occur with it.
    parameter.value = in.take_while([](char c) { return is_value(c) || c == '='; });
    if (parameter.value->empty()) return std::unexpected(status::bad_syntax);
  }
  return parameter;
}

// RFC 3461 §4
//   xchar    = any ASCII CHAR between "!" and "~" inclusive, except for "+" and "="
//   hexchar  = "+" followed by two upper case hexadecimal digits
bool is_xchar(char c) { return ascii::is_vchar(c) && c != '+' && c != '='; }

/// Text that may stand in a header field or a DSN: no control octets (security.md D80).
bool is_printable(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return ascii::is_ctl(c); });
}

/// Whether the path between the brackets has octets above 0x7F.
bool has_eight_bit(std::string_view text) { return !ascii::is_ascii(text); }

using Refused = std::optional<mail::Status>;

// RFC 1870 §6: size-value = 1*20DIGIT
Refused take_size(const Parameter& parameter, mail::Envelope& envelope) {
  if (!parameter.value || parameter.value->size() > max_size_digits || envelope.declared_size) return status::bad_syntax;
  Cursor in(*parameter.value);
  const auto size = in.take_number();
  const bool digits = std::ranges::all_of(*parameter.value, ascii::is_digit);
  if (!digits) return status::bad_syntax;
  envelope.declared_size = size.value_or(UINT64_MAX);  // more than 64 bits is larger than any limit of ours
  return std::nullopt;
}

// RFC 6152 §2: BODY=7BIT / BODY=8BITMIME; RFC 3030 §3: BODY=BINARYMIME
Refused take_body(const Parameter& parameter, mail::Envelope& envelope) {
  if (!parameter.value) return status::bad_syntax;
  if (ascii::iequals(*parameter.value, "8BITMIME")) {
    envelope.body = mail::BodyType::eight_bit_mime;
  } else if (ascii::iequals(*parameter.value, "BINARYMIME")) {
    envelope.body = mail::BodyType::binary_mime;
  } else if (!ascii::iequals(*parameter.value, "7BIT")) {
    return status::bad_syntax;
  }
  return std::nullopt;
}

// RFC 3461 §4.3: RET=FULL / RET=HDRS
Refused take_ret(const Parameter& parameter, mail::Envelope& envelope) {
  if (!parameter.value || envelope.ret != mail::Return::unset) return status::bad_syntax;
  if (ascii::iequals(*parameter.value, "FULL")) {
    envelope.ret = mail::Return::full;
  } else if (ascii::iequals(*parameter.value, "HDRS")) {
    envelope.ret = mail::Return::headers;
  } else {
    return status::bad_syntax;
  }
  return std::nullopt;
}

// RFC 3461 §4.4: ENVID=xtext, at most 100 characters
Refused take_envid(const Parameter& parameter, mail::Envelope& envelope) {
  if (!parameter.value || parameter.value->size() > max_envid || !envelope.envid.empty()) return status::bad_syntax;
  const auto decoded = decode_xtext(*parameter.value);
  if (!decoded || decoded->empty() || !is_printable(*decoded)) return status::bad_syntax;
  envelope.envid = *decoded;
  return std::nullopt;
}

// RFC 6531 §3.4 and RFC 8689 §3: keywords without a value
Refused take_flag(const Parameter& parameter, bool& flag) {
  if (parameter.value || flag) return status::bad_syntax;
  flag = true;
  return std::nullopt;
}

constexpr mail::Status held_too_long{501, {5, 5, 4}, "Held for longer than EHLO offers"};

Refused hold(std::int64_t until, const ParameterSet& offered, mail::Envelope& envelope) {
  if (until > offered.hold_until) return held_too_long;
  envelope.hold_until = std::max(until, offered.now);
  return std::nullopt;
}

// RFC 4865 §4.1: HOLDFOR=future-release-integer
//   future-release-integer = %x31-39 *8DIGIT
Refused take_hold_for(const Parameter& parameter, const ParameterSet& offered, mail::Envelope& envelope) {
  constexpr std::size_t most_digits = 9;
  if (!parameter.value || parameter.value->size() > most_digits || envelope.hold_until != 0) return status::bad_syntax;
  Cursor in(*parameter.value);
  const auto seconds = in.take_number();
  if (!seconds || !in.at_end() || parameter.value->starts_with('0')) return status::bad_syntax;
  return hold(offered.now + static_cast<std::int64_t>(*seconds), offered, envelope);
}

// RFC 4865 §4.2: HOLDUNTIL=future-release-date-time, a date-time of RFC 3339 in UTC: 2026-11-29T16:00:00Z
Refused take_hold_until(const Parameter& parameter, const ParameterSet& offered, mail::Envelope& envelope) {
  if (!parameter.value || envelope.hold_until != 0) return status::bad_syntax;
  const auto until = parse_utc(*parameter.value);
  if (!until) return status::bad_syntax;
  return hold(*until, offered, envelope);
}

// RFC 4954 §5: AUTH=mailbox. No client is trusted to vouch for somebody else, so any well-formed value means "<>".
Refused check_auth(const Parameter& parameter) {
  if (!parameter.value || !decode_xtext(*parameter.value)) return status::bad_syntax;
  return std::nullopt;
}

Refused take_mail_parameter(const Parameter& parameter, const ParameterSet& offered, mail::Envelope& envelope) {
  const auto is = [&](std::string_view keyword) { return ascii::iequals(parameter.keyword, keyword); };
  if (offered.size && is("SIZE")) return take_size(parameter, envelope);
  if (offered.body && is("BODY")) return take_body(parameter, envelope);
  if (offered.smtputf8 && is("SMTPUTF8")) return take_flag(parameter, envelope.smtputf8);
  if (offered.dsn && is("RET")) return take_ret(parameter, envelope);
  if (offered.dsn && is("ENVID")) return take_envid(parameter, envelope);
  if (offered.require_tls && is("REQUIRETLS")) return take_flag(parameter, envelope.require_tls);
  if (offered.auth && is("AUTH")) return check_auth(parameter);
  if (offered.hold_until != 0 && is("HOLDFOR")) return take_hold_for(parameter, offered, envelope);
  if (offered.hold_until != 0 && is("HOLDUNTIL")) return take_hold_until(parameter, offered, envelope);
  return status::parameter_unknown;
}

// RFC 3461 §4.1
//   notify-esmtp-value = "NEVER" / notify-list-element *( "," notify-list-element )
//   notify-list-element = "SUCCESS" / "FAILURE" / "DELAY"
Refused take_notify(const Parameter& parameter, RcptArguments& out) {
  if (!parameter.value || out.notify != mail::notify_unset) return status::bad_syntax;
  if (ascii::iequals(*parameter.value, "NEVER")) {
    out.notify = mail::notify_never;
    return std::nullopt;
  }
  static constexpr std::array<std::pair<std::string_view, unsigned char>, 3> words{
      {{"SUCCESS", mail::notify_success}, {"FAILURE", mail::notify_failure}, {"DELAY", mail::notify_delay}}};
  Cursor in(*parameter.value);
  do {
    const auto element = in.take_until(',');
    const auto* const word = std::ranges::find_if(words, [&](const auto& w) { return ascii::iequals(w.first, element); });
    if (word == words.end()) return status::bad_syntax;
    out.notify = static_cast<unsigned char>(out.notify | word->second);
  } while (in.take(','));
  return std::nullopt;
}

// RFC 3461 §4.2
//   original-recipient-address = addr-type ";" xtext
Refused take_orcpt(const Parameter& parameter, RcptArguments& out) {
  if (!parameter.value || parameter.value->size() > max_orcpt || !out.orcpt.empty()) return status::bad_syntax;
  Cursor in(*parameter.value);
  const auto type = in.take_while(is_keyword);
  if (type.empty() || !in.take(';')) return status::bad_syntax;
  const auto decoded = decode_xtext(in.rest());
  if (!decoded || decoded->empty() || !is_printable(*decoded)) return status::bad_syntax;
  out.orcpt = *parameter.value;
  return std::nullopt;
}

Refused take_rcpt_parameter(const Parameter& parameter, const ParameterSet& offered, RcptArguments& out) {
  if (offered.dsn && ascii::iequals(parameter.keyword, "NOTIFY")) return take_notify(parameter, out);
  if (offered.dsn && ascii::iequals(parameter.keyword, "ORCPT")) return take_orcpt(parameter, out);
  return status::parameter_unknown;
}

/// "FROM:" or "TO:" and the opening bracket. A space after the colon is against the grammar but common in devices.
bool take_opening(Cursor& in, std::string_view word) {
  if (!in.take_word(word)) return false;
  in.take_while([](char c) { return c == ' '; });
  return in.take('<');
}

}  // namespace

std::optional<std::string> decode_xtext(std::string_view text) {
  std::string out;
  Cursor in(text);
  while (!in.at_end()) {
    if (in.take('+')) {
      const auto digits = in.take_n(2);
      const bool upper = digits.size() == 2 && std::ranges::none_of(digits, ascii::is_lower);
      const auto octet = hex_decode(digits);
      if (!upper || !octet) return std::nullopt;
      out += *octet;
    } else {
      const auto run = in.take_while(is_xchar);
      if (run.empty()) return std::nullopt;
      out += run;
    }
  }
  return out;
}

// RFC 3339 §5.6
//   date-time = full-date "T" partial-time "Z"; a fraction of a second is ignored
std::optional<std::int64_t> parse_utc(std::string_view text) {
  Cursor in(text);
  const auto digits = [&in](std::size_t count) -> std::optional<unsigned> {
    const auto part = in.take_n(count);
    if (part.size() != count || !std::ranges::all_of(part, ascii::is_digit)) return std::nullopt;
    unsigned value = 0;
    for (const char c : part) value = value * 10 + static_cast<unsigned>(c - '0');
    return value;
  };
  std::array<unsigned, 6> field{};
  static constexpr std::array<char, 6> after{'-', '-', 'T', ':', ':', '\0'};
  for (std::size_t i = 0; i < field.size(); ++i) {
    const auto value = digits(i == 0 ? 4 : 2);
    if (!value) return std::nullopt;
    field[i] = *value;
    const bool separated = after[i] == '\0' || in.take(after[i]) || (after[i] == 'T' && in.take('t'));
    if (!separated) return std::nullopt;
  }
  if (in.take('.') && in.take_while(ascii::is_digit).empty()) return std::nullopt;
  if ((!in.take('Z') && !in.take('z')) || !in.at_end()) return std::nullopt;
  const std::chrono::year_month_day day{std::chrono::year(static_cast<int>(field[0])), std::chrono::month(field[1]),
                                        std::chrono::day(field[2])};
  if (!day.ok() || field[3] > 23 || field[4] > 59 || field[5] > 60) return std::nullopt;
  const std::chrono::seconds time =
      std::chrono::hours(field[3]) + std::chrono::minutes(field[4]) + std::chrono::seconds(field[5]);
  return (std::chrono::sys_days(day).time_since_epoch() + time).count();
}

CommandLine split_command(std::string_view line) {
  const auto space = line.find(' ');
  if (space == std::string_view::npos) return {line, {}};
  auto arguments = line.substr(space + 1);
  while (arguments.ends_with(' ')) arguments.remove_suffix(1);
  return {line.substr(0, space), arguments};
}

// RFC 5321 §4.1.1.2
//   mail = "MAIL FROM:" Reverse-path [SP Mail-parameters]
//   Reverse-path = Path / "<>"
Parsed<MailArguments> parse_mail(std::string_view arguments, const ParameterSet& offered) {
  Cursor in(arguments);
  MailArguments out;
  if (!take_opening(in, "FROM:")) return std::unexpected(status::bad_syntax);
  const auto from = in.position();
  if (!in.is('>')) {
    auto address = mail::Address::parse(in);
    if (!address) return std::unexpected(status::bad_sender_address);
    out.envelope.sender = std::move(*address);
  }
  const bool eight_bit = has_eight_bit(arguments.substr(from, in.position() - from));
  if (!in.take('>')) return std::unexpected(status::bad_sender_address);
  for (;;) {
    const auto parameter = take_parameter(in);
    if (!parameter) return std::unexpected(parameter.error());
    if (!*parameter) break;
    if (const auto refused = take_mail_parameter(**parameter, offered, out.envelope)) return std::unexpected(*refused);
  }
  if (eight_bit && !out.envelope.smtputf8) return std::unexpected(status::needs_smtputf8);
  return out;
}

// RFC 5321 §4.1.1.3
//   rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters]
Parsed<RcptArguments> parse_rcpt(std::string_view arguments, const ParameterSet& offered, bool smtputf8) {
  Cursor in(arguments);
  RcptArguments out;
  if (!take_opening(in, "TO:")) return std::unexpected(status::bad_syntax);
  const auto from = in.position();
  if (!in.take_word("postmaster>")) {
    auto address = mail::Address::parse(in);
    if (!address) return std::unexpected(status::bad_recipient_address);
    if (has_eight_bit(arguments.substr(from, in.position() - from)) && !smtputf8) {
      return std::unexpected(status::needs_smtputf8);
    }
    if (!in.take('>')) return std::unexpected(status::bad_recipient_address);
    out.recipient = mail::Recipient{std::move(*address), mail::notify_unset, {}};
  }
  for (;;) {
    const auto parameter = take_parameter(in);
    if (!parameter) return std::unexpected(parameter.error());
    if (!*parameter) break;
    if (const auto refused = take_rcpt_parameter(**parameter, offered, out)) return std::unexpected(*refused);
  }
  if (out.recipient) {
    out.recipient->notify = out.notify;
    out.recipient->orcpt = out.orcpt;
  }
  return out;
}

// RFC 3030 §2
//   bdat-cmd   = "BDAT" SP chunk-size [ SP end-marker ] CR LF
//   chunk-size = 1*DIGIT
//   end-marker = "LAST"
Parsed<BdatArguments> parse_bdat(std::string_view arguments) {
  Cursor in(arguments);
  BdatArguments out;
  const auto size = in.take_number();
  if (!size) return std::unexpected(status::bad_syntax);
  out.size = *size;
  if (in.at_end()) return out;
  if (!in.take(' ') || !ascii::iequals(in.rest(), "LAST")) return std::unexpected(status::bad_syntax);
  out.last = true;
  return out;
}

// RFC 4954 §4
//   auth-command = "AUTH" SP sasl-mech [SP initial-response]
//   sasl-mech    = 1*20mech-char (RFC 4422 §3.1: A-Z, 0-9, "-", "_")
Parsed<AuthArguments> parse_auth(std::string_view arguments) {
  constexpr std::size_t max_mechanism = 20;
  Cursor in(arguments);
  AuthArguments out;
  out.mechanism = ascii::upper(in.take_while([](char c) { return ascii::is_alnum(c) || c == '-' || c == '_'; }));
  if (out.mechanism.empty() || out.mechanism.size() > max_mechanism) return std::unexpected(status::bad_syntax);
  if (in.at_end()) return out;
  if (!in.take(' ') || in.at_end() || in.rest().contains(' ')) return std::unexpected(status::bad_syntax);
  out.initial = in.rest();
  return out;
}

// RFC 5321 §4.1.1.1
//   ehlo = "EHLO" SP ( Domain / address-literal ) CRLF
// Names with underscores and single labels are common and taken; nothing that could end a header comment or field is.
Parsed<std::string> parse_hello(std::string_view arguments) {
  const auto safe = [](char c) {
    return ascii::is_alnum(c) || (c != '\0' && std::string_view("-._:[]").find(c) != std::string_view::npos);
  };
  if (arguments.empty() || arguments.size() > max_hello || !std::ranges::all_of(arguments, safe)) {
    return std::unexpected(status::bad_syntax);
  }
  return std::string(arguments);
}

}  // namespace postern::smtp
