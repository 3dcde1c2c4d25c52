// SPDX-License-Identifier: Apache-2.0
// NAMESPACE, which the function calls name_space.
#include "imap/session.h"

namespace postern::imap::commands {

// RFC 2342 §5: what is one's own, what others share, and the mailboxes of teams.
async::Task<Reply> name_space(Session& session, Command& command) {
  command.args.end();
  if (!command.args.ok()) co_return command.args.fault();
  session.out().append("* NAMESPACE ((\"\" \"/\")) ((\"Other Users/\" \"/\")) ((\"Shared/\" \"/\"))\r\n");
  co_return ok("Done");
}

}  // namespace postern::imap::commands
