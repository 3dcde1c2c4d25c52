// SPDX-License-Identifier: Apache-2.0
#include "pop3/commands.h"

namespace postern::pop3::commands {

// RFC 2449 §5 and §6. No IMPLEMENTATION: versions are nobody's business.
async::Task<Reply> capa(Session& session, std::string_view) {
  std::string text = "+OK capabilities follow\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER\r\n";
  if (session.state() == State::authorization) {
    text.append("USER\r\n");
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
