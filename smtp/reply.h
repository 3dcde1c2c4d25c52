// SPDX-License-Identifier: Apache-2.0
// Reply: what a command gives back, as a value; only the session's loop turns it into octets.
// Invariant: the text never holds CR, LF or NUL that came from a client; '\n' separates the lines of a multi-line reply.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mail/status.h"

namespace postern::smtp {

/// What the loop does after it has sent a reply.
enum class Then : std::uint8_t {
  go_on,         ///< read the next command
  close,         ///< flush and end the session
  receive_data,  ///< flush and read the text up to the final dot
  start_tls      ///< flush and begin the handshake
};

struct Reply {
  std::uint16_t code = 250;
  mail::EnhancedStatus enhanced;
  std::string text;  ///< one line, or several separated by '\n'
  Then then = Then::go_on;

  bool is_success() const { return code < 400; }
  bool is_permanent() const { return code >= 500; }
};

/// The status with its own text.
Reply reply(const mail::Status& status);
/// The status with another text.
Reply reply(const mail::Status& status, std::string text);
/// The same, and the session ends.
Reply closing(const mail::Status& status);
Reply closing(const mail::Status& status, std::string text);

/// A refusal, or nothing when all is well.
using Refusal = std::optional<Reply>;

// RFC 5321 §4.2
/// Appends the octets: "250-…\r\n250 …\r\n", with the enhanced code on each line (RFC 2034 §4) when there is one.
void append_to(std::string& out, const Reply& reply);

}  // namespace postern::smtp
