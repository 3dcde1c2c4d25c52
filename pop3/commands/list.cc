// SPDX-License-Identifier: Apache-2.0
#include "pop3/commands.h"

namespace postern::pop3::commands {

// RFC 1939 §5
async::Task<Reply> list(Session& session, std::string_view argument) {
  auto& drop = session.maildrop();
  if (!argument.empty()) {
    const auto number = parse_number(argument);
    const auto* message = number ? drop.find(*number) : nullptr;
    if (!message) co_return no_such_message(session);
    co_return Reply::ok(fmt::format("{} {}", *number, message->size));
  }
  Reply reply = Reply::ok(fmt::format("{} messages ({} octets)", drop.count(), drop.octets()));
  for (std::size_t i = 0; i < drop.messages().size(); ++i) {
    const auto& message = drop.messages()[i];
    if (!message.deleted) fmt::format_to(std::back_inserter(reply.text), "{} {}\r\n", i + 1, message.size);
  }
  reply.text.append(".\r\n");
  co_return reply;
}

}  // namespace postern::pop3::commands
