// SPDX-License-Identifier: Apache-2.0
// LOGOUT.
#include "imap/session.h"

namespace postern::imap::commands {

// RFC 3501 §6.1.3: BYE comes before the tagged OK; nothing is expunged.
async::Task<Reply> logout(Session& session, Command& command) {
  command.args.end();
  if (!command.args.ok()) co_return command.args.fault();
  session.say_bye("Good bye");
  session.unselect();
  session.finish();
  co_return ok("Done");
}

}  // namespace postern::imap::commands
