// SPDX-License-Identifier: Apache-2.0
// Reply: what a POP3 handler answers; only the session loop writes it.
#pragma once

#include <string>
#include <string_view>

namespace postern::pop3 {

struct Reply {
  std::string text;     ///< with CRLF; multi-line answers end in ".\r\n"
  bool close = false;   ///< hang up after sending
  bool failed = false;  ///< counts against the error budget

  /// "+OK text"
  static Reply ok(std::string_view text);
  /// "-ERR [CODE] text"; code may be empty (RFC 2449 §8, RFC 3206).
  static Reply error(std::string_view text, std::string_view code = {});
  /// The same, and the connection ends.
  static Reply fatal(std::string_view text, std::string_view code = {});
  /// Nothing can be said any more (the answer had begun): just the end.
  static Reply hang_up();
};

}  // namespace postern::pop3
