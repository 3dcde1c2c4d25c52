// SPDX-License-Identifier: Apache-2.0
// The mbox formats as values without I/O: the From_ line that begins a message, the quoting of such lines in bodies, and the
// fields in which programs keep flags. mboxrd quotes every ">*From "; mboxo only "From "; mboxcl2 quotes nothing and counts with
// Content-Length.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace postern::transfer {

enum class MboxQuoting : std::uint8_t { rd, o, none };
/// "mboxrd", "mboxo", "none".
std::optional<MboxQuoting> mbox_quoting(std::string_view word);

/// The time in a line that begins with "From " and holds a date, in the forms that programs write ("From a@b Tue Jan  2 15:04:05
/// 2024", with a zone before or after the year, or "remote from x" behind); nothing when it is an ordinary line. Without a zone
/// the time counts as UTC.
std::optional<UnixTime> parse_from_line(std::string_view line);
/// "From sender Tue Jan  2 15:04:05 2024\n", UTC; a sender with spaces or none becomes MAILER-DAEMON.
std::string format_from_line(std::string_view sender, UnixTime at);

/// How many octets of quoting stand in front of this line of a body: 0 or 1.
std::size_t quoting_of(std::string_view line, MboxQuoting quoting);
/// True when a line of a body must get a '>' (mboxrd).
bool needs_quoting(std::string_view line);

/// What the fields of one message say; they are not part of the message.
struct MboxMarks {
  std::uint64_t flags = 0;
  std::vector<std::string> keywords;
  std::optional<std::uint64_t> content_length;
  bool gone = false;      ///< Thunderbird: deleted, and not yet compacted away
  bool internal = false;  ///< the "folder internal data" message that UW-IMAP puts first
};
/// Reads one unfolded field "Name: value" (line end included or not); true when it is one of the mbox's own fields, which are
/// left out of the message.
bool take_mbox_field(std::string_view field, MboxMarks& marks);
/// Status, X-Status and X-Keywords for an export, LF at the end of each.
std::string format_mbox_fields(std::uint64_t flags, const std::vector<std::string>& keywords);

}  // namespace postern::transfer
