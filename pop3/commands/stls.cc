// SPDX-License-Identifier: Apache-2.0
#include "pop3/commands.h"

namespace postern::pop3::commands {

// RFC 2595 §4: refused, for the connection is TLS already.
async::Task<Reply> stls(Session&, std::string_view) { co_return Reply::error("TLS is active already"); }

}  // namespace postern::pop3::commands
