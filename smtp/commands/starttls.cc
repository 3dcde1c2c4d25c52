// SPDX-License-Identifier: Apache-2.0
// STARTTLS (RFC 3207).
#include "smtp/commands.h"

namespace postern::smtp {

namespace status = mail::status;

Reply run_starttls(Context& context, std::string_view arguments) {
  auto& talk = context.talk;
  if (!arguments.empty()) return reply(status::bad_syntax);
  if (talk.tls()) return reply(status::bad_sequence, "TLS is active already");
  if (!context.handler.offer(talk).starttls) return reply(status::not_implemented);
  // Plaintext behind STARTTLS would be taken for commands inside of TLS; it is dropped with the connection (security.md D9).
  if (!talk.connection.buffered().empty())
    return closing(status::bad_sequence, "Nothing may follow STARTTLS before the handshake");
  talk.transaction.reset();
  auto answer = reply(status::start_tls);
  answer.then = Then::start_tls;
  return answer;
}

}  // namespace postern::smtp
