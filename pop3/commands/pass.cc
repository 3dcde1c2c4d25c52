// SPDX-License-Identifier: Apache-2.0
#include "pop3/commands.h"

namespace postern::pop3::commands {

// RFC 1939 §7: spaces belong to the password.
async::Task<Reply> pass(Session& session, std::string_view argument) {
  if (session.user().empty()) co_return Reply::error("send USER first");
  const auto name = std::exchange(session.user(), {});
  co_return co_await session.finish_login(co_await session.services().auth.login(session.origin(), name, Secret(argument)));
}

}  // namespace postern::pop3::commands
