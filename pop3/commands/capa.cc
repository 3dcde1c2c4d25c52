// SPDX-License-Identifier: Apache-2.0
#include "pop3/commands.h"

namespace postern::pop3::commands {

// RFC 2449 §5 and §6, RFC 6856 §2 and §3. IMPLEMENTATION names no version: that is nobody's business. EXPIRE NEVER: the server
// removes nothing by itself. LOGIN-DELAY is a setting of each account, so before the login it is the least of all, with USER.
async::Task<Reply> capa(Session& session, std::string_view) {
  std::string text =
      "+OK capabilities follow\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER\r\nUTF8\r\nLANG\r\n"
      "IMPLEMENTATION Postern\r\n";
  if (session.state() != State::authorization) {
    fmt::format_to(std::back_inserter(text), "LOGIN-DELAY {}\r\n", session.login_delay().count());
  } else {
    text.append("LOGIN-DELAY 0 USER\r\nUSER\r\n");
    const auto mechanisms = session.services().auth.mechanisms(session.origin());
    if (!mechanisms.empty()) {
      text.append("SASL");
      for (const auto& mechanism : mechanisms) text.append(" ").append(mechanism);
      text.append("\r\n");
    }
  }
  Reply reply;
  reply.text = text + ".\r\n";
  co_return reply;
}

}  // namespace postern::pop3::commands
