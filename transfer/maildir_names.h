// SPDX-License-Identifier: Apache-2.0
// The small texts of a Maildir, as values without I/O: names of message files, Dovecot's dovecot-keywords, dovecot-uidlist and
// subscriptions, Courier's courierimapsubscribed. All of it is others' data: what cannot be read is left out, never an error.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace postern::transfer {

/// "1276528487.M364837P9451.host,S=1355,W=1394:2,FSab".
struct MaildirName {
  std::string_view base;                   ///< unique part, without sizes and flags
  std::uint64_t flags = 0;                 ///< store::flag
  bool forwarded = false;                  ///< P, "passed"
  std::string_view letters;                ///< the flag letters, for the keywords a … z among them
  std::optional<std::uint64_t> size;       ///< S=: octets of the file
  std::optional<std::uint64_t> wire_size;  ///< W=: octets with CRLF
  UnixTime stamp = 0;                      ///< the number in front; 0 when there is none
};
MaildirName parse_maildir_name(std::string_view name);

/// Index of a keyword letter; Dovecot has 26.
inline constexpr std::size_t maildir_keywords = 26;
using MaildirKeywords = std::array<std::string, maildir_keywords>;
/// dovecot-keywords: "0 $Label1" a line.
MaildirKeywords parse_dovecot_keywords(std::string_view text);
std::string format_dovecot_keywords(const MaildirKeywords& names);

/// One line of dovecot-uidlist, versions 1 and 3.
struct UidlistHeader {
  std::uint32_t uidvalidity = 0;
  std::uint32_t uidnext = 0;
};
struct UidlistEntry {
  std::uint32_t uid = 0;
  std::string_view base;  ///< unique part of the file name
};
std::optional<UidlistHeader> parse_uidlist_header(std::string_view line);
std::optional<UidlistEntry> parse_uidlist_entry(std::string_view line);

/// Names with '/' between levels, UTF-8: of Dovecot's file in its old and its new form.
std::vector<std::string> parse_dovecot_subscriptions(std::string_view text);
/// "INBOX.Sub.Folder" a line.
std::vector<std::string> parse_courier_subscriptions(std::string_view text);

/// ".Sub.Folder" of Maildir++ to "Sub/Folder" and back; "" is INBOX. A full stop within a level becomes "&AC4-".
std::string maildirpp_to_name(std::string_view folder);
std::string name_to_maildirpp(std::string_view name);
/// "Sub/Folder" on disk (Dovecot's LAYOUT=fs) to UTF-8.
std::string fs_to_name(std::string_view path);

}  // namespace postern::transfer
