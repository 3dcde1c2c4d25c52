// SPDX-License-Identifier: Apache-2.0
// The command table.
#include "imap/commands.h"

#include "base/ascii.h"

namespace postern::imap {
namespace {

constexpr CommandRow table[] = {
    // any state
    {"CAPABILITY", any_state, may_expunge, commands::capability},
    {"NOOP", any_state, may_expunge | asks_changes, commands::noop},
    {"LOGOUT", any_state, tells_itself, commands::logout},
    {"ID", any_state, may_expunge, commands::id, "ID"},
    // before the login
    {"STARTTLS", not_authenticated, no_trait, commands::starttls},
    {"AUTHENTICATE", not_authenticated, no_trait, commands::authenticate},
    {"LOGIN", not_authenticated, no_trait, commands::login},
    // after the login
    {"UNAUTHENTICATE", logged_in, tells_itself, commands::unauthenticate, "UNAUTHENTICATE"},
    {"COMPRESS", logged_in, may_expunge, commands::compress, "COMPRESS=DEFLATE"},
    {"ENABLE", logged_in, may_expunge, commands::enable, "ENABLE"},
    {"SELECT", logged_in, tells_itself, commands::select},
    {"EXAMINE", logged_in, tells_itself, commands::examine},
    {"CREATE", logged_in, may_expunge, commands::create},
    {"DELETE", logged_in, may_expunge, commands::remove},
    {"RENAME", logged_in, may_expunge, commands::rename},
    {"SUBSCRIBE", logged_in, may_expunge, commands::subscribe},
    {"UNSUBSCRIBE", logged_in, may_expunge, commands::unsubscribe},
    {"LIST", logged_in, may_expunge, commands::list},
    {"LSUB", logged_in, may_expunge, commands::lsub},
    {"NAMESPACE", logged_in, may_expunge, commands::name_space, "NAMESPACE"},
    {"STATUS", logged_in, may_expunge, commands::status},
    {"APPEND", logged_in, may_expunge, commands::append},
    {"ESEARCH", logged_in, may_expunge | by_uid, commands::esearch, "MULTISEARCH"},
    {"IDLE", logged_in, may_expunge, commands::idle, "IDLE"},
    {"NOTIFY", logged_in, may_expunge | asks_changes, commands::notify, "NOTIFY"},
    {"GETQUOTA", logged_in, may_expunge, commands::get_quota, "QUOTA"},
    {"GETQUOTAROOT", logged_in, may_expunge, commands::get_quota_root, "QUOTA"},
    {"SETACL", logged_in, may_expunge, commands::set_acl, "ACL"},
    {"DELETEACL", logged_in, may_expunge, commands::delete_acl, "ACL"},
    {"GETACL", logged_in, may_expunge, commands::get_acl, "ACL"},
    {"LISTRIGHTS", logged_in, may_expunge, commands::list_rights, "ACL"},
    {"MYRIGHTS", logged_in, may_expunge, commands::my_rights, "ACL"},
    {"GETMETADATA", logged_in, may_expunge, commands::get_metadata, "METADATA"},
    {"SETMETADATA", logged_in, may_expunge, commands::set_metadata, "METADATA"},
    // in a mailbox
    {"CANCELUPDATE", selected, may_expunge, commands::cancel_update, "CONTEXT=SEARCH"},
    {"CHECK", selected, may_expunge | asks_changes, commands::noop},
    {"CLOSE", selected, tells_itself, commands::close},
    {"UNSELECT", selected, tells_itself, commands::unselect, "UNSELECT"},
    {"EXPUNGE", selected, tells_itself, commands::expunge},
    {"UID EXPUNGE", selected, tells_itself | by_uid, commands::expunge, "UIDPLUS"},
    {"REPLACE", selected, tells_itself | by_number, commands::replace, "REPLACE"},
    {"UID REPLACE", selected, tells_itself | by_uid, commands::replace, "REPLACE"},
    {"SEARCH", selected, by_number, commands::search},
    {"UID SEARCH", selected, may_expunge | by_uid, commands::search},
    {"SORT", selected, by_number, commands::sort, "SORT"},
    {"UID SORT", selected, may_expunge | by_uid, commands::sort, "SORT"},
    {"THREAD", selected, by_number, commands::thread, "THREAD"},
    {"UID THREAD", selected, may_expunge | by_uid, commands::thread, "THREAD"},
    {"FETCH", selected, by_number, commands::fetch},
    {"UID FETCH", selected, may_expunge | by_uid, commands::fetch},
    {"STORE", selected, by_number, commands::store_flags},
    {"UID STORE", selected, may_expunge | by_uid, commands::store_flags},
    {"COPY", selected, may_expunge | by_number, commands::copy},
    {"UID COPY", selected, may_expunge | by_uid, commands::copy},
    {"MOVE", selected, tells_itself | by_number, commands::move, "MOVE"},
    {"UID MOVE", selected, tells_itself | by_uid, commands::move, "MOVE"},
};

}  // namespace

Numbering Command::numbering() const { return (row.traits & by_uid) != 0 ? Numbering::uid : Numbering::sequence; }

std::span<const CommandRow> command_table() { return table; }

const CommandRow* find_command(std::string_view name) {
  const auto is_it = [name](const CommandRow& row) { return ascii::iequals(row.name, name); };
  const auto found = std::ranges::find_if(table, is_it);
  return found == std::end(table) ? nullptr : found;
}

}  // namespace postern::imap
