// SPDX-License-Identifier: Apache-2.0
// NAMESPACE, which the function calls name_space.
#include "imap/session.h"

namespace postern::imap::commands {

// RFC 2342 §5: one personal namespace, none of other users, none shared.
async::Task<Reply> name_space(Session& session, Command& command) {
  command.args.end();
  if (!command.args.ok()) co_return command.args.fault();
  session.out().append("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
  co_return ok("Done");
}

}  // namespace postern::imap::commands
