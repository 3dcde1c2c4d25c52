// SPDX-License-Identifier: Apache-2.0
// CAPABILITY: the same list as in the greeting and in the reply to a login.
#include "imap/capabilities.h"
#include "imap/session.h"

namespace postern::imap::commands {

// RFC 3501 §6.1.1
async::Task<Reply> capability(Session& session, Command& command) {
  command.args.end();
  if (!command.args.ok()) co_return command.args.fault();
  const auto config = session.config();
  const bool before = session.state() == not_authenticated;
  session.out()
      .append("* CAPABILITY ")
      .append(before ? capabilities_before_login(*config, session.services().auth.mechanisms(session.origin()))
                     : capabilities_after_login(*config, session.capabilities_off()))
      .append("\r\n");
  co_return ok("Done");
}

}  // namespace postern::imap::commands
