// SPDX-License-Identifier: Apache-2.0
// STATUS.
#include "imap/rights.h"
#include "imap/session.h"
#include "imap/status_item.h"

namespace postern::imap::commands {

// RFC 3501 §6.3.10; asking for HIGHESTMODSEQ turns CONDSTORE on (RFC 7162 §3.1).
async::Task<Reply> status(Session& session, Command& command) {
  auto& in = command.args;
  in.sp();
  auto name = in.mailbox();
  in.sp();
  const auto items = parse_status_items(in);
  in.end();
  if (!in.ok()) co_return in.fault();
  if (contains(items, StatusItem::highest_modseq)) session.enable_condstore();
  const auto info = co_await session.store().status(std::move(name));
  if (!info) co_return from_error(info.error());
  // RFC 4314 §4
  const auto grant = co_await grant_on(session, *info);
  if (!grant) co_return from_error(grant.error());
  if ((grant->rights & store::right::read) == 0) co_return from_error({ErrorKind::denied, "no right to read the mailbox"});
  const auto extras = co_await status_extras(session.store(), *info, items,
                                             {.names = session.names(), .append_limit = session.config()->limits.append_bytes});
  if (!extras) co_return from_error(extras.error());
  append_status(session.out(), *info, items, *extras);
  co_return ok("Done");
}

}  // namespace postern::imap::commands
