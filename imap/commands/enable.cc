// SPDX-License-Identifier: Apache-2.0
// ENABLE: CONDSTORE and QRESYNC can be enabled.
#include "base/ascii.h"
#include "imap/session.h"

namespace postern::imap::commands {

// RFC 5161 §3.1: enable = "ENABLE" 1*(SP capability); unknown names are ignored. CONDSTORE: RFC 7162 §3.1, QRESYNC: §3.2.3.
async::Task<Reply> enable(Session& session, Command& command) {
  auto& in = command.args;
  bool condstore = false, qresync = false;
  do {
    in.sp();
    const auto name = in.atom();
    condstore = condstore || ascii::iequals(name, "CONDSTORE");
    qresync = qresync || ascii::iequals(name, "QRESYNC");
  } while (in.ok() && !in.at_end());
  if (!in.ok()) co_return in.fault();
  session.out().append("* ENABLED");
  if (condstore && !session.condstore()) session.out().append(" CONDSTORE");
  if (qresync && !session.qresync()) session.out().append(" QRESYNC");
  session.out().append("\r\n");
  if (condstore && !session.condstore()) session.enable_condstore();
  if (qresync && !session.qresync()) session.enable_qresync();
  co_return ok("Done");
}

}  // namespace postern::imap::commands
