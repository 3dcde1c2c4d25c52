// SPDX-License-Identifier: Apache-2.0
// LOGOUT and UNAUTHENTICATE.
#include "imap/capabilities.h"
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

// RFC 8437 §3. A login that follows is a new one in every way.
async::Task<Reply> unauthenticate(Session& session, Command& command) {
  command.args.end();
  if (!command.args.ok()) co_return command.args.fault();
  session.services().log.info("imap", "login given up", {{"login", session.store().identity().login()}});
  session.end_account();
  const auto capabilities = capabilities_before_login(*session.config(), session.services().auth.mechanisms(session.origin()));
  co_return ok("CAPABILITY " + capabilities, "Nobody is logged in");
}

}  // namespace postern::imap::commands
