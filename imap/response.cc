// SPDX-License-Identifier: Apache-2.0
// Formatting of IMAP output.
#include "imap/response.h"

#include <charconv>

#include "base/ascii.h"
#include "imap/mailbox_name.h"
#include "mime/date.h"

namespace postern::imap {
namespace {

/// Longer texts are sent as literals, which clients can store without scanning.
constexpr std::size_t longest_quoted = 1'000;

bool fits_quoted(std::string_view bytes) {
  return bytes.size() <= longest_quoted &&
         std::ranges::none_of(bytes, [](char c) { return c == '\r' || c == '\n' || c == '\0' || ascii::is_eight_bit(c); });
}

std::string_view status_name(Reply::Status status) {
  switch (status) {
    case Reply::Status::ok: return "OK";
    case Reply::Status::no: return "NO";
    case Reply::Status::bad: return "BAD";
  }
  return "BAD";
}

constexpr std::array<std::pair<std::uint64_t, std::string_view>, 5> system_flags = {{{store::flag::answered, "\\Answered"},
                                                                                     {store::flag::flagged, "\\Flagged"},
                                                                                     {store::flag::deleted, "\\Deleted"},
                                                                                     {store::flag::seen, "\\Seen"},
                                                                                     {store::flag::draft, "\\Draft"}}};

}  // namespace

Reply ok(std::string text) { return {Reply::Status::ok, {}, std::move(text)}; }
Reply ok(std::string code, std::string text) { return {Reply::Status::ok, std::move(code), std::move(text)}; }
Reply no(std::string code, std::string text) { return {Reply::Status::no, std::move(code), std::move(text)}; }
Reply bad(std::string text) { return {Reply::Status::bad, {}, std::move(text)}; }

Reply uid_required() { return {Reply::Status::bad, "UIDREQUIRED", "Sequence numbers are not allowed once UIDONLY is enabled"}; }

// RFC 5530 §3
Reply from_error(const Error& error) {
  switch (error.kind) {
    case ErrorKind::not_found: return no("NONEXISTENT", "No such mailbox");
    case ErrorKind::exists: return no("ALREADYEXISTS", "A mailbox of this name exists already");
    case ErrorKind::denied: return no("NOPERM", "You have no right to do this");
    case ErrorKind::invalid: return no("CANNOT", "This cannot be done with this mailbox");
    case ErrorKind::over_quota: return no("OVERQUOTA", "The quota of this account is used up");
    case ErrorKind::too_large: return no("TOOBIG", "Too large");
    case ErrorKind::limit: return no("LIMIT", "A limit of this server is reached");
    case ErrorKind::conflict: return no("INUSE", "The mailbox has changed meanwhile, try again");
    case ErrorKind::no_space: return no("UNAVAILABLE", "The disk of this server is full, try again later");
    case ErrorKind::corrupt: return no("SERVERBUG", "Stored data is damaged, please tell the administrator");
    case ErrorKind::internal: return no("SERVERBUG", "Internal error");
    default: return no("UNAVAILABLE", "Not possible at the moment, try again later");
  }
}

void append_reply(std::string& out, std::string_view tag, const Reply& reply) {
  out.append(tag).append(" ").append(status_name(reply.status)).append(" ");
  if (!reply.code.empty()) out.append("[").append(reply.code).append("] ");
  out.append(reply.text).append("\r\n");
}

void append_number(std::string& out, std::uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

void append_string(std::string& out, std::string_view bytes) {
  if (!fits_quoted(bytes)) {
    out += '{';
    append_number(out, bytes.size());
    out.append("}\r\n").append(bytes);
    return;
  }
  out += '"';
  for (const char c : bytes) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

// RFC 9051 §9: after ENABLE a quoted string may hold UTF-8; names hold no controls.
void append_mailbox(std::string& out, std::string_view name, NameForm form) {
  if (form == NameForm::utf7) return append_string(out, encode_mailbox_name(name));
  out += '"';
  for (const char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

std::string_view flag_name(std::uint64_t bit) {
  for (const auto& [value, name] : system_flags) {
    if (value == bit) return name;
  }
  return {};
}

void append_flags(std::string& out, std::uint64_t flags, const std::vector<std::string>& keywords) {
  const std::size_t from = out.size();
  const auto add = [&](std::string_view name) {
    if (out.size() != from) out += ' ';
    out.append(name);
  };
  for (const auto& [bit, name] : system_flags) {
    if ((flags & bit) != 0) add(name);
  }
  if ((flags & ~store::flag::system_mask) == 0) return;
  for (std::size_t i = 0; i < keywords.size() && i < store::flag::max_keywords; ++i) {
    if ((flags >> (store::flag::first_keyword + i) & 1) != 0 && !keywords[i].empty()) add(keywords[i]);
  }
}

// RFC 3501 §9: date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
void append_date_time(std::string& out, std::int64_t at) {
  const auto t = mime::to_civil(at);
  const auto two_digits = [](char* to, int number) {
    to[0] = static_cast<char>('0' + number / 10);
    to[1] = static_cast<char>('0' + number % 10);
  };
  char text[] = "\"dd-mmm-yyyy hh:mm:ss +0000\"";
  two_digits(text + 1, t.day);
  if (t.day < 10) text[1] = ' ';
  mime::month_name(t.month).copy(text + 4, 3);
  two_digits(text + 8, t.year / 100);
  two_digits(text + 10, t.year % 100);
  two_digits(text + 13, t.hour);
  two_digits(text + 16, t.minute);
  two_digits(text + 19, t.second);
  out.append(text, sizeof text - 1);
}

}  // namespace postern::imap
