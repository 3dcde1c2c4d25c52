// SPDX-License-Identifier: Apache-2.0
// NOTIFY (RFC 5465): which events a client wants to hear of, whenever they happen.
#include "imap/capabilities.h"
#include "imap/notifier.h"
#include "imap/session.h"

namespace postern::imap::commands {
namespace {

/// Annotations are told of where there are any (RFC 5465 §5.6).
unsigned known_events(const Session& session) {
  const unsigned always = message_new | message_expunge | flag_change | mailbox_name | subscription_change;
  const bool metadata = !is_capability_off(*session.config(), session.capabilities_off(), "METADATA");
  return metadata ? always | mailbox_metadata_change | server_metadata_change : always;
}

}  // namespace

// RFC 5465 §3.1: SET tells what has gathered in the selected mailbox first, as NOOP does.
async::Task<Reply> notify(Session& session, Command& command) {
  auto request = parse_notify(command.args, known_events(session));
  if (!command.args.ok()) co_return command.args.fault();
  if (request.none) {
    session.stop_notifying();
    co_return ok("Nothing will be told");
  }
  auto notifier = std::make_unique<Notifier>(session, std::move(request));
  co_await session.tell_changes(Expunges::tell, session.flag_format(command));
  const auto begun = co_await notifier->begin();
  if (!begun) {
    // RFC 5465 §3.1: only a successful NOTIFY replaces the one before.
    if (begun.error().kind != ErrorKind::limit) co_return from_error(begun.error());
    co_return no("NOTIFICATIONOVERFLOW", "These are more mailboxes than can be watched");
  }
  session.notify_by(std::move(notifier));
  co_return ok("Changes will be told");
}

}  // namespace postern::imap::commands
