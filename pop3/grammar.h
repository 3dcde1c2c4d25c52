// SPDX-License-Identifier: Apache-2.0
// POP3 command lines and message lines as text, without I/O (RFC 1939 §3, RFC 2449 §4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace postern::pop3 {

/// Longest command line with CRLF (RFC 2449 §4).
inline constexpr std::size_t max_command_line = 255;
/// Longest line of a SASL exchange with CRLF (RFC 5034 §4 leaves the limit to us; security.md §1.6).
inline constexpr std::size_t max_auth_line = 12'288;

/// A command line: the verb in capitals and what follows the first space, untouched.
struct Command {
  std::string verb;
  std::string_view argument;  ///< view into the line
};

/// ABNF: command = keyword *(SP param); keywords are three or four letters (RFC 1939 §3).
/// Errors: invalid, when there is no such keyword at the start.
Result<Command> parse_command(std::string_view line);

/// Parameters between single spaces; an empty text has none.
std::vector<std::string_view> split_parameters(std::string_view argument);

/// A message number: 1 … 2^31-1, digits only.
std::optional<std::uint32_t> parse_number(std::string_view text);

/// Turns message octets into the lines of a multi-line response (RFC 1939 §3): every line ends in CRLF, a line that starts
/// with "." gets another one. May be fed in pieces cut anywhere.
class DotStuffer {
 public:
  void append(std::string_view octets, std::string& out);
  /// Ends the last line if need be and adds the final ".".
  void finish(std::string& out);
  /// Lines completed so far.
  std::uint64_t lines() const { return lines_; }

 private:
  bool at_line_start_ = true;
  bool after_cr_ = false;
  std::uint64_t lines_ = 0;
};

/// Cuts a message after its header and the first n lines of its body, for TOP (RFC 1939 §7). Fed in pieces.
class TopCutter {
 public:
  explicit TopCutter(std::uint64_t body_lines) : left_(body_lines) {}
  /// The part of these octets that belongs to the answer.
  std::string_view take(std::string_view octets);
  bool done() const { return done_; }

 private:
  std::uint64_t left_;
  bool in_body_ = false;
  bool line_empty_ = true;
  bool done_ = false;
};

}  // namespace postern::pop3
