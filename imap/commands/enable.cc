// SPDX-License-Identifier: Apache-2.0
// ENABLE: CONDSTORE is what can be enabled.
#include "base/ascii.h"
#include "imap/session.h"

namespace postern::imap::commands {

// RFC 5161 §3.1: enable = "ENABLE" 1*(SP capability); unknown names are ignored. CONDSTORE: RFC 7162 §3.1.
async::Task<Reply> enable(Session& session, Command& command) {
  auto& in = command.args;
  std::string enabled;
  do {
    in.sp();
    if (!ascii::iequals(in.atom(), "CONDSTORE")) continue;
    if (!session.condstore()) enabled = " CONDSTORE";
  } while (in.ok() && !in.at_end());
  if (!in.ok()) co_return in.fault();
  session.out().append("* ENABLED").append(enabled).append("\r\n");
  if (!enabled.empty()) session.enable_condstore();
  co_return ok("Done");
}

}  // namespace postern::imap::commands
