// SPDX-License-Identifier: Apache-2.0
// The grammar of SMTP commands (RFC 5321 §4.1 and the extensions we offer). No I/O, no state: text in, values or the
// status of a refusal out. Linear in the input; every number is bounded.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "mail/envelope.h"
#include "mail/status.h"

namespace postern::smtp {

/// A value, or the status to refuse the command with.
template <class T>
using Parsed = std::expected<T, mail::Status>;

/// Longest ENVID and ORCPT as sent (RFC 3461 §4.2, §4.4).
inline constexpr std::size_t max_envid = 100;
inline constexpr std::size_t max_orcpt = 500;
/// Longest argument of EHLO (RFC 5321 §4.5.3.1.2).
inline constexpr std::size_t max_hello = 255;

/// A command line taken apart: "MAIL", "FROM:<a@b>".
struct CommandLine {
  std::string_view verb;  ///< as written; compare without regard to case
  std::string_view arguments;
};
CommandLine split_command(std::string_view line);

/// Which parameters of MAIL and RCPT have been offered in the reply to EHLO; others are refused with 555.
struct ParameterSet {
  bool size = false;
  bool body = false;  ///< 8BITMIME
  bool smtputf8 = false;
  bool dsn = false;
  bool auth = false;
  bool require_tls = false;
  std::int64_t now = 0;         ///< time of this command, for HOLDFOR
  std::int64_t hold_until = 0;  ///< latest time for HOLDFOR and HOLDUNTIL; 0: not offered
};

struct MailArguments {
  mail::Envelope envelope;  ///< without recipients
};
struct RcptArguments {
  std::optional<mail::Recipient> recipient;  ///< nothing for "<postmaster>" without domain (RFC 5321 §4.5.1)
  unsigned char notify = mail::notify_unset;
  std::string orcpt;
};
struct BdatArguments {
  std::uint64_t size = 0;
  bool last = false;
};
struct AuthArguments {
  std::string mechanism;               ///< upper case
  std::optional<std::string> initial;  ///< base64 as sent, "=" for empty
};

/// Arguments of MAIL. Refusals: bad_syntax, bad_sender_address, needs_smtputf8, parameter_unknown.
Parsed<MailArguments> parse_mail(std::string_view arguments, const ParameterSet& offered);
/// Arguments of RCPT; `smtputf8` says whether MAIL carried the parameter.
/// Refusals: bad_syntax, bad_recipient_address, needs_smtputf8, parameter_unknown.
Parsed<RcptArguments> parse_rcpt(std::string_view arguments, const ParameterSet& offered, bool smtputf8);
Parsed<BdatArguments> parse_bdat(std::string_view arguments);
Parsed<AuthArguments> parse_auth(std::string_view arguments);
/// Argument of EHLO or HELO: a name or an address literal, safe to stand in a header field.
Parsed<std::string> parse_hello(std::string_view arguments);

/// Seconds since 1970 of "2026-11-29T16:00:00Z" (RFC 3339); nothing for anything else.
std::optional<std::int64_t> parse_utc(std::string_view text);
/// RFC 3461 §4: decodes xtext; nothing when it is broken.
std::optional<std::string> decode_xtext(std::string_view text);

}  // namespace postern::smtp
