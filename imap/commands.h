// SPDX-License-Identifier: Apache-2.0
// The commands: one row each in the table, one file each in commands/. A handler reads its arguments from the parser, acts
// through the Session, appends untagged responses to session.out(), and returns the tagged reply; only the loop writes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "async/task.h"
#include "imap/grammar.h"
#include "imap/response.h"

namespace postern::imap {

class Session;

/// States in which a command is allowed (RFC 3501 §3), as bits.
enum StateBit : unsigned { not_authenticated = 1, authenticated = 2, selected = 4 };
inline constexpr unsigned any_state = not_authenticated | authenticated | selected;
inline constexpr unsigned logged_in = authenticated | selected;

/// Properties of a command, as bits.
enum CommandTrait : unsigned {
  no_trait = 0,
  may_expunge = 1,   ///< EXPUNGE may be said at its end: it uses no sequence numbers (RFC 3501 §7.4.1)
  by_uid = 2,        ///< the UID form: numbers are UIDs, and UID is part of every FETCH response
  tells_itself = 4,  ///< the command has said all changes itself (SELECT, LOGOUT …), the loop adds none
  by_number = 8,     ///< its numbers are sequence numbers: unknown to clients that enabled UIDONLY (RFC 9586 §3)
  asks_changes = 16  ///< the client asks for what changed, whatever NOTIFY says
};

struct CommandRow;

struct Command {
  std::string tag;
  const CommandRow& row;
  Parser args;
  Numbering numbering() const;
};

using Handler = async::Task<Reply> (*)(Session& session, Command& command);

struct CommandRow {
  std::string_view name;  ///< "FETCH", "UID FETCH"
  unsigned states;
  unsigned traits;
  Handler run;
  std::string_view capability = {};  ///< without this capability the command is unknown; empty: it is always there
};

/// The row of this name (any case), or null. "UID" commands are looked up as "UID FETCH".
const CommandRow* find_command(std::string_view name);
std::span<const CommandRow> command_table();

namespace commands {

async::Task<Reply> append(Session& session, Command& command);
async::Task<Reply> authenticate(Session& session, Command& command);
async::Task<Reply> cancel_update(Session& session, Command& command);
async::Task<Reply> capability(Session& session, Command& command);
async::Task<Reply> close(Session& session, Command& command);
async::Task<Reply> compress(Session& session, Command& command);
async::Task<Reply> copy(Session& session, Command& command);
async::Task<Reply> create(Session& session, Command& command);
async::Task<Reply> remove(Session& session, Command& command);
async::Task<Reply> delete_acl(Session& session, Command& command);
async::Task<Reply> enable(Session& session, Command& command);
async::Task<Reply> esearch(Session& session, Command& command);
async::Task<Reply> examine(Session& session, Command& command);
async::Task<Reply> expunge(Session& session, Command& command);
async::Task<Reply> fetch(Session& session, Command& command);
async::Task<Reply> get_acl(Session& session, Command& command);
async::Task<Reply> get_metadata(Session& session, Command& command);
async::Task<Reply> get_quota(Session& session, Command& command);
async::Task<Reply> get_quota_root(Session& session, Command& command);
async::Task<Reply> id(Session& session, Command& command);
async::Task<Reply> idle(Session& session, Command& command);
async::Task<Reply> list(Session& session, Command& command);
async::Task<Reply> list_rights(Session& session, Command& command);
async::Task<Reply> login(Session& session, Command& command);
async::Task<Reply> logout(Session& session, Command& command);
async::Task<Reply> lsub(Session& session, Command& command);
async::Task<Reply> move(Session& session, Command& command);
async::Task<Reply> my_rights(Session& session, Command& command);
async::Task<Reply> name_space(Session& session, Command& command);
async::Task<Reply> notify(Session& session, Command& command);
async::Task<Reply> noop(Session& session, Command& command);
async::Task<Reply> replace(Session& session, Command& command);
async::Task<Reply> rename(Session& session, Command& command);
async::Task<Reply> search(Session& session, Command& command);
async::Task<Reply> select(Session& session, Command& command);
async::Task<Reply> set_acl(Session& session, Command& command);
async::Task<Reply> set_metadata(Session& session, Command& command);
async::Task<Reply> sort(Session& session, Command& command);
async::Task<Reply> starttls(Session& session, Command& command);
async::Task<Reply> status(Session& session, Command& command);
async::Task<Reply> store_flags(Session& session, Command& command);
async::Task<Reply> subscribe(Session& session, Command& command);
async::Task<Reply> thread(Session& session, Command& command);
async::Task<Reply> unauthenticate(Session& session, Command& command);
async::Task<Reply> unselect(Session& session, Command& command);
async::Task<Reply> unsubscribe(Session& session, Command& command);

}  // namespace commands
}  // namespace postern::imap
