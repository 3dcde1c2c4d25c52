// SPDX-License-Identifier: Apache-2.0
// The command table: verb, states in which it may come, function. Each handler is in commands/<verb>.cc, checks first, then
// acts, and gives a Reply. Handlers of long answers (RETR, TOP) write the message themselves, in pieces, and give the end.
#pragma once

#include <span>
#include <string_view>

#include "async/task.h"
#include "pop3/grammar.h"
#include "pop3/reply.h"
#include "pop3/session.h"

namespace postern::pop3 {

using Handler = async::Task<Reply> (*)(Session& session, std::string_view argument);

struct CommandRow {
  std::string_view verb;
  unsigned states;  ///< bits of State
  Handler run;
};
std::span<const CommandRow> command_table();

namespace commands {
async::Task<Reply> auth(Session& session, std::string_view argument);
async::Task<Reply> capa(Session& session, std::string_view argument);
async::Task<Reply> dele(Session& session, std::string_view argument);
async::Task<Reply> lang(Session& session, std::string_view argument);
async::Task<Reply> list(Session& session, std::string_view argument);
async::Task<Reply> noop(Session& session, std::string_view argument);
async::Task<Reply> pass(Session& session, std::string_view argument);
async::Task<Reply> quit(Session& session, std::string_view argument);
async::Task<Reply> retr(Session& session, std::string_view argument);
async::Task<Reply> rset(Session& session, std::string_view argument);
async::Task<Reply> stat(Session& session, std::string_view argument);
async::Task<Reply> stls(Session& session, std::string_view argument);
async::Task<Reply> top(Session& session, std::string_view argument);
async::Task<Reply> uidl(Session& session, std::string_view argument);
async::Task<Reply> user(Session& session, std::string_view argument);
async::Task<Reply> utf8(Session& session, std::string_view argument);
}  // namespace commands

/// The reply to a message number that names nothing (RFC 1939 §5).
Reply no_such_message(const Session& session);

}  // namespace postern::pop3
