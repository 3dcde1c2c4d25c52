// SPDX-License-Identifier: Apache-2.0
#include "pop3/commands.h"

namespace postern::pop3::commands {

// RFC 1939 §7. Always the same answer: whether the name exists is nobody's business.
async::Task<Reply> user(Session& session, std::string_view argument) {
  if (argument.empty()) co_return Reply::error("USER needs a name");
  session.user() = argument;
  co_return Reply::ok("send PASS");
}

}  // namespace postern::pop3::commands
