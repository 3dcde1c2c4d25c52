// SPDX-License-Identifier: Apache-2.0
// ReplyParser: the replies of an SMTP server, octet by octet and without I/O. What it reads is hostile: lines, their number and
// the whole reply are bounded, and everything that is no reply is an error that ends the connection.
// Lenient in one point only: a line may end with LF alone, as some servers send; what we send always ends with CRLF.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mail/outcome.h"
#include "mail/status.h"

namespace postern::outbound {

/// Longest reply line with its line end. RFC 5321 §4.5.3.1.5 says 512; some servers explain themselves at length.
inline constexpr std::size_t max_reply_line = 2048;
/// Most lines of one reply.
inline constexpr std::size_t max_reply_lines = 100;
/// Most octets of one reply.
inline constexpr std::size_t max_reply = 64 * 1024;

struct Reply {
  std::uint16_t code = 0;
  std::vector<std::string> lines;  ///< without code and separator, as sent

  bool positive() const { return code >= 200 && code < 300; }
  bool intermediate() const { return code >= 300 && code < 400; }
  bool transient() const { return code >= 400 && code < 500; }
  bool permanent() const { return code >= 500 && code < 600; }
  /// All lines as one, safe for log, trace and DSN: no control characters, valid UTF-8, at most 512 octets. An enhanced code
  /// that begins every line is kept once.
  std::string text() const;
  /// The peer's when it gave one whose class fits the code, otherwise class.0.0 (RFC 3463 §3.1).
  mail::EnhancedStatus enhanced() const;
};

/// Feed until it says done or broken; then reset() for the next reply.
class ReplyParser {
 public:
  enum class State : std::uint8_t { more, done, broken };
  /// Consumes octets up to the end of the reply and no further; says how many in `consumed`.
  State feed(std::string_view bytes, std::size_t& consumed);
  State state() const { return state_; }
  const Reply& reply() const { return reply_; }
  /// Why it is broken, for the log.
  std::string_view fault() const { return fault_; }
  void reset();

 private:
  State end_line();
  State broken(std::string_view why);

  Reply reply_;
  std::string line_;
  std::size_t size_ = 0;
  State state_ = State::more;
  std::string_view fault_;
};

/// Makes any text fit for one line of log, trace and DSN, as Reply::text().
std::string one_line(std::string_view text);

/// What a reply means for a recipient: 2yz delivered, 5yz failed, everything else deferred.
mail::Outcome outcome_of(const Reply& reply, std::string_view host);

}  // namespace postern::outbound
