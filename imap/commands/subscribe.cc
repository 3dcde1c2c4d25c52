// SPDX-License-Identifier: Apache-2.0
// SUBSCRIBE and UNSUBSCRIBE: subscriptions are names and outlive the mailbox.
#include "imap/notifier.h"
#include "imap/session.h"

namespace postern::imap::commands {
namespace {

enum class Wish : bool { off, on };

async::Task<Reply> change(Session& session, Command& command, Wish wish) {
  auto& in = command.args;
  in.sp();
  auto name = in.mailbox();
  in.end();
  if (!in.ok()) co_return in.fault();
  const auto done = co_await session.store().subscribe(name, wish == Wish::on);
  if (!done) co_return from_error(done.error());
  if (auto* notifier = session.notifier()) notifier->subscribed_by_session(name, wish == Wish::on);
  co_return ok("Done");
}

}  // namespace

// RFC 3501 §6.3.6
async::Task<Reply> subscribe(Session& session, Command& command) { return change(session, command, Wish::on); }
// RFC 3501 §6.3.7
async::Task<Reply> unsubscribe(Session& session, Command& command) { return change(session, command, Wish::off); }

}  // namespace postern::imap::commands
