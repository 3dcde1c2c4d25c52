// SPDX-License-Identifier: Apache-2.0
// CANCELUPDATE (RFC 5267 §4.4): changes of these results are not told any more.
#include "imap/contexts.h"
#include "imap/session.h"

namespace postern::imap::commands {

// RFC 5267 §6: "CANCELUPDATE" 1*(SP quoted). All of the tags must be known, or nothing is cancelled.
async::Task<Reply> cancel_update(Session& session, Command& command) {
  auto& in = command.args;
  std::vector<std::string> tags;
  do {
    in.sp();
    tags.push_back(in.string());
    if (in.ok() && !session.contexts().has(tags.back())) in.fail("No result of this tag is kept up to date");
  } while (in.ok() && !in.at_end());
  if (!in.ok()) co_return in.fault();
  for (const auto& tag : tags) session.contexts().cancel(tag);
  co_return ok("Cancelled");
}

}  // namespace postern::imap::commands
