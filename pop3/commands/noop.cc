// SPDX-License-Identifier: Apache-2.0
#include "pop3/commands.h"

namespace postern::pop3::commands {

// RFC 1939 §5
async::Task<Reply> noop(Session&, std::string_view) { co_return Reply::ok(""); }

}  // namespace postern::pop3::commands
