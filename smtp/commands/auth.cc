// SPDX-License-Identifier: Apache-2.0
// AUTH (RFC 4954): order and grammar; the exchange itself belongs to the handler, port 25 has none.
#include "smtp/commands.h"

namespace postern::smtp {

namespace status = mail::status;

async::Task<Reply> run_auth(Context& context, std::string_view arguments) {
  auto& talk = context.talk;
  // RFC 4954 §4: only once in a session.
  if (talk.authenticated) co_return reply(status::bad_sequence, "Already authenticated");
  auto parsed = parse_auth(arguments);
  if (!parsed) co_return reply(parsed.error());
  co_return co_await context.handler.authenticate(talk, std::move(*parsed), context.line);
}

}  // namespace postern::smtp
