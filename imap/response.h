// SPDX-License-Identifier: Apache-2.0
// What the server says: Reply (the tagged end of a command) and helpers that append grammar-valid text to an output buffer.
// Client text that is echoed goes through append_string, so that it can never end a line of ours.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "imap/mailbox_name.h"
#include "store/ids.h"

namespace postern::imap {

/// Result of a command: status, response code without brackets (may be empty), text for people.
struct Reply {
  enum class Status : std::uint8_t { ok, no, bad };
  Status status = Status::ok;
  std::string code;
  std::string text;
  bool operator==(const Reply&) const = default;
};
Reply ok(std::string text);
Reply ok(std::string code, std::string text);
Reply no(std::string code, std::string text);
Reply bad(std::string text);
/// BAD [UIDREQUIRED] (RFC 9586 §3).
Reply uid_required();
/// What a client may know of a failure of the store (design.md §5), with the codes of RFC 5530.
Reply from_error(const Error& error);

/// "A1 OK [CODE] text" with CRLF; `tag` may be "*".
void append_reply(std::string& out, std::string_view tag, const Reply& reply);

void append_number(std::string& out, std::uint64_t number);
/// A quoted string when it fits (no CR, LF, NUL, 8-bit, at most 1,000 octets), else a literal.
void append_string(std::string& out, std::string_view bytes);
/// A mailbox name (UTF-8) in the form that the client reads, quoted.
void append_mailbox(std::string& out, std::string_view name, NameForm form);
/// "\Seen \Flagged $Junk" without parentheses. `keywords` names the bits from store::flag::first_keyword up.
void append_flags(std::string& out, std::uint64_t flags, const std::vector<std::string>& keywords);
/// "17-Jul-1996 02:44:25 +0000" in quotes.
void append_date_time(std::string& out, std::int64_t at);
/// The name of a system flag bit, "\Seen".
std::string_view flag_name(std::uint64_t bit);

}  // namespace postern::imap
