// SPDX-License-Identifier: Apache-2.0
// DELETE, which the function calls remove.
#include "imap/notifier.h"
#include "imap/session.h"

namespace postern::imap::commands {

// RFC 3501 §6.3.4. Children stay; INBOX cannot go. Deleting the selected mailbox leaves it first.
async::Task<Reply> remove(Session& session, Command& command) {
  auto& in = command.args;
  in.sp();
  auto name = in.mailbox();
  in.end();
  if (!in.ok()) co_return in.fault();
  if (name == "INBOX") co_return from_error({ErrorKind::invalid, "INBOX cannot be removed"});
  const auto info = co_await session.store().status(name);
  if (!info) co_return from_error(info.error());
  const auto removed = co_await session.store().remove(std::move(name));
  if (!removed) co_return from_error(removed.error());
  session.trace().removed({info->id, info->name});
  if (auto* notifier = session.notifier()) notifier->removed_by_session(info->name);
  if (session.is_selected() && session.view().mailbox() == info->id) {
    session.unselect();
    session.out().append("* OK [CLOSED] The mailbox is deleted\r\n");
  }
  co_return ok("Deleted");
}

}  // namespace postern::imap::commands
