// SPDX-License-Identifier: Apache-2.0
// NOOP and CHECK: what changed is told by the loop.
#include "imap/session.h"

namespace postern::imap::commands {

// RFC 3501 §6.1.2, §6.4.1
async::Task<Reply> noop(Session&, Command& command) {
  command.args.end();
  if (!command.args.ok()) co_return command.args.fault();
  co_return ok("Done");
}

}  // namespace postern::imap::commands
