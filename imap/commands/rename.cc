// SPDX-License-Identifier: Apache-2.0
// RENAME.
#include "imap/mailbox_name.h"
#include "imap/notifier.h"
#include "imap/session.h"

namespace postern::imap::commands {

// RFC 3501 §6.3.5: children move along; renaming INBOX moves its messages away.
async::Task<Reply> rename(Session& session, Command& command) {
  auto& in = command.args;
  in.sp();
  auto from = in.mailbox();
  in.sp();
  const auto wire = in.astring();
  in.end();
  if (!in.ok()) co_return in.fault();
  auto to = decode_new_mailbox(wire, in.names());
  if (!to) co_return no("CANNOT", "This is no valid mailbox name");
  const auto renamed = co_await session.store().rename(from, *to);
  if (!renamed) co_return from_error(renamed.error());
  if (auto* notifier = session.notifier()) {
    if (from != "INBOX") notifier->removed_by_session(from);
    notifier->made_by_session(*to);
  }
  co_return ok("Renamed");
}

}  // namespace postern::imap::commands
