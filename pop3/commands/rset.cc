// SPDX-License-Identifier: Apache-2.0
#include "pop3/commands.h"

namespace postern::pop3::commands {

// RFC 1939 §5
async::Task<Reply> rset(Session& session, std::string_view) {
  session.maildrop().reset();
  co_return Reply::ok(fmt::format("{} messages ({} octets)", session.maildrop().count(), session.maildrop().octets()));
}

}  // namespace postern::pop3::commands
