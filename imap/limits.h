// SPDX-License-Identifier: Apache-2.0
// Everything an IMAP client can grow, with its bound (security.md §1.6, D82–D94). Limits an admin may want to change are in
// config::Limits instead.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace postern::imap::limits {

/// How much one command may take.
struct CommandLimits {
  std::size_t line;     ///< octets of one line with CRLF
  std::size_t literal;  ///< octets of one literal that is not a message
  std::size_t command;  ///< octets of all lines and literals together
};
/// Before the login: enough for SASL responses and a password literal.
inline constexpr CommandLimits before_login{16 * 1024, 4 * 1024, 32 * 1024};
inline constexpr CommandLimits after_login{64 * 1024, 128 * 1024, 1024 * 1024};

/// A literal that came without our consent ({n+}) and is refused is read and dropped up to here; larger ones end the connection.
inline constexpr std::uint64_t max_discard = 64 * 1024 * 1024;
/// Bad commands before the login, then we hang up (D94).
inline constexpr unsigned bad_before_login = 3;
/// SASL response lines.
inline constexpr std::size_t auth_line = 12'288;

inline constexpr std::size_t nesting = 50;         ///< parentheses in SEARCH (D85)
inline constexpr std::size_t search_keys = 1'000;  ///< keys of one SEARCH
/// Octets of a part, as encoded, that its preview is made of.
inline constexpr std::size_t preview_octets = 16 * 1024;
inline constexpr std::size_t search_sources = 1'000;  ///< mailboxes named in one ESEARCH
inline constexpr std::size_t url = 4 * 1024;          ///< octets of a URL in CATENATE
inline constexpr std::size_t sort_criteria = 20;
inline constexpr std::size_t sort_text = 64 * 1024 * 1024;    ///< octets of the keys of one SORT
inline constexpr std::size_t thread_text = 64 * 1024 * 1024;  ///< octets of message ids and subjects of one THREAD
inline constexpr std::uint64_t thread_steps = 400'000'000;    ///< links followed by one THREAD (D89)
inline constexpr std::size_t sequence_ranges = 10'000;        ///< members of one sequence set (D88)
inline constexpr std::size_t fetch_items = 100;
inline constexpr std::size_t section_depth = 100;  ///< numbers in BODY[1.2.3…]
inline constexpr std::size_t header_fields = 200;  ///< names in HEADER.FIELDS
inline constexpr std::size_t flags = 100;          ///< flags in one list
inline constexpr std::size_t flag_length = 128;
inline constexpr std::size_t list_pattern = 1'000;  ///< octets of a LIST pattern with its reference
inline constexpr std::size_t list_patterns = 20;
inline constexpr std::size_t metadata_entries = 100;    ///< named in one command
inline constexpr std::size_t id_fields = 30;            ///< RFC 2971 §3.3
inline constexpr std::size_t notify_groups = 50;        ///< of events, in one NOTIFY
inline constexpr std::size_t notify_names = 1'000;      ///< mailboxes named in one NOTIFY
inline constexpr std::size_t notify_mailboxes = 2'000;  ///< watched by one session (RFC 5465 §5.8)
inline constexpr std::size_t contexts = 32;             ///< results that one session is told the changes of
inline constexpr std::size_t context_uids = 1'000'000;  ///< in all of them together
inline constexpr std::size_t context_members = 1'000;   ///< ranges or members told in one response
inline constexpr std::size_t append_messages = 1'000;   ///< of one MULTIAPPEND

inline constexpr std::size_t info_page = 1'000;       ///< messages asked of the store at once
inline constexpr std::size_t flush_at = 64 * 1024;    ///< output collected before it is sent
inline constexpr std::size_t body_chunk = 64 * 1024;  ///< octets of a body handled at once
/// Octets of a message read ahead for header sections: nearly every header is shorter.
inline constexpr std::size_t usual_header = 16 * 1024;
/// The same for whole messages and their texts; longer ones are read on in pieces.
inline constexpr std::size_t usual_message = 256 * 1024;
/// How long the answer to "is this mailbox shared?" holds for the trace of its owner's reading.
inline constexpr std::chrono::seconds shared_look{60};
/// A command that takes longer says so as often (RFC 9585).
inline constexpr std::chrono::seconds progress_every{10};
/// A client that takes nothing of our output for so long is cut off (D92).
inline constexpr std::chrono::seconds write_timeout{60};

}  // namespace postern::imap::limits
