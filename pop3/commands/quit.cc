// SPDX-License-Identifier: Apache-2.0
#include "pop3/commands.h"

namespace postern::pop3::commands {

// RFC 1939 §6: the update state. "-ERR some deleted messages not removed" when the store refused.
async::Task<Reply> quit(Session& session, std::string_view) {
  if (session.state() == State::authorization) {
    Reply reply = Reply::ok("bye");
    reply.close = true;
    co_return reply;
  }
  session.enter_update();
  const auto done = co_await session.maildrop().commit();
  if (!done) {
    session.services().log.error("pop3", "deleted messages not removed", {{"error", done.error().text}});
    co_return Reply::fatal("some deleted messages not removed", "SYS/TEMP");
  }
  session.release_maildrop();
  Reply reply = Reply::ok("bye");
  reply.close = true;
  co_return reply;
}

}  // namespace postern::pop3::commands
