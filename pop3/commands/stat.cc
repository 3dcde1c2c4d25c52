// SPDX-License-Identifier: Apache-2.0
#include "pop3/commands.h"

namespace postern::pop3::commands {

// RFC 1939 §5
async::Task<Reply> stat(Session& session, std::string_view) {
  co_return Reply::ok(fmt::format("{} {}", session.maildrop().count(), session.maildrop().octets()));
}

}  // namespace postern::pop3::commands
