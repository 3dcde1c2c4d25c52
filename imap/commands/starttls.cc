// SPDX-License-Identifier: Apache-2.0
// STARTTLS, for clients that try it on a TLS port.
#include "imap/session.h"

namespace postern::imap::commands {

// RFC 3501 §6.2.1: every session of ours has TLS from its first octet (RFC 8314).
async::Task<Reply> starttls(Session&, Command& command) {
  command.args.end();
  if (!command.args.ok()) co_return command.args.fault();
  co_return bad("TLS is active already");
}

}  // namespace postern::imap::commands
