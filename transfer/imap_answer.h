// SPDX-License-Identifier: Apache-2.0
// What an IMAP server says, as values without I/O. The server is not trusted: every list and text has a limit, and what does not
// fit the grammar is an error, never a guess.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"

namespace postern::transfer::imap_client {

/// Limits for what a server may send.
inline constexpr std::size_t max_line = 64 * 1024;           ///< octets of one line
inline constexpr std::size_t max_small_literal = 64 * 1024;  ///< a literal that is no message
inline constexpr std::size_t max_literals = 1'000;           ///< of one answer
inline constexpr std::size_t max_attributes = 100;           ///< of LIST, and flags of a message
inline constexpr std::size_t max_folders = 10'000;
inline constexpr std::size_t max_unasked = 100'000;  ///< untagged answers to one command beyond those asked for

/// One answer: its lines, with "{n}\n" where a literal stood. A literal that was streamed elsewhere is not in `literals`.
struct Answer {
  std::string text;
  std::vector<std::string> literals;
  bool streamed = false;  ///< the literal of BODY[] went to the intake
};

/// The length in "{n}" or "{n+}" at the end of a line.
struct LiteralMark {
  std::uint64_t size = 0;
  std::size_t at = 0;  ///< where the mark begins
};
std::optional<LiteralMark> literal_at_end(std::string_view line);
/// True when the literal that follows this text is a message.
bool announces_message(std::string_view text);

/// "OK", "NO", "BAD", "BYE", "PREAUTH" with its code and text.
struct Condition {
  enum class Kind : std::uint8_t { ok, no, bad, bye, preauth };
  Kind kind = Kind::ok;
  std::string code;  ///< "UIDVALIDITY 3"; empty when there is none
  std::string text;
};
/// The rest of a line after "* " or the tag; nothing when it is no condition.
std::optional<Condition> parse_condition(std::string_view rest);
/// The words of "CAPABILITY IMAP4rev1 …", in capitals; nothing when it is something else.
std::optional<std::vector<std::string>> parse_capabilities(std::string_view rest);

struct ListEntry {
  std::vector<std::string> attributes;  ///< lower case, with their backslash
  char separator = '\0';                ///< NUL: a flat name
  std::string name;                     ///< on the wire
  bool has(std::string_view attribute) const;
};
/// "* LIST (\Sent) "/" Sent" and LSUB. Error invalid.
Result<ListEntry> parse_list(const Answer& answer);

/// "* STATUS name (MESSAGES 3 UIDVALIDITY 1 SIZE 99)"; what is absent is 0.
struct StatusValues {
  std::uint64_t messages = 0;
  std::uint32_t uidvalidity = 0;
  std::uint64_t size = 0;
};
Result<StatusValues> parse_status(const Answer& answer);

/// The prefix of the first personal namespace; empty when there is none.
Result<std::string> parse_namespace(const Answer& answer);

struct FetchValues {
  std::uint32_t sequence = 0;
  store::Uid uid = 0;
  std::uint64_t flags = 0;
  std::vector<std::string> keywords;
  std::optional<UnixTime> internal_date;
  std::uint64_t size = 0;
  std::optional<std::string> text;  ///< BODY[] that was no literal
  bool no_text = false;             ///< BODY[] NIL
};
/// "* 12 FETCH (…)". Error invalid.
Result<FetchValues> parse_fetch(const Answer& answer);
/// "17-Jul-1996 02:44:25 -0700"
std::optional<UnixTime> parse_internal_date(std::string_view text);
/// "* 12 EXISTS" and the like: the number when the word is this one.
std::optional<std::uint32_t> parse_number_of(std::string_view rest, std::string_view word);

}  // namespace postern::transfer::imap_client
