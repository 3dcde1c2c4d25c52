// SPDX-License-Identifier: Apache-2.0
#include "pop3/commands.h"

namespace postern::pop3::commands {

// RFC 1939 §5: only a mark; QUIT makes it true.
async::Task<Reply> dele(Session& session, std::string_view argument) {
  const auto number = parse_number(argument);
  auto* message = number ? session.maildrop().find(*number) : nullptr;
  if (!message) co_return no_such_message(session);
  message->deleted = true;
  co_return Reply::ok("marked as deleted");
}

}  // namespace postern::pop3::commands
