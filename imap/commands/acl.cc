// SPDX-License-Identifier: Apache-2.0
// SETACL, DELETEACL, GETACL, LISTRIGHTS and MYRIGHTS (RFC 4314).
#include "base/ascii.h"
#include "imap/rights.h"
#include "imap/session.h"

namespace postern::imap::commands {
namespace {

/// mod-rights: "+" adds, "-" takes away (RFC 4314 §3.1).
Result<store::AclChange> read_change(std::string who, std::string_view text) {
  store::AclChange out{.mode = store::AclChange::Mode::replace, .who = std::move(who)};
  if (text.starts_with('+')) out.mode = store::AclChange::Mode::add;
  if (text.starts_with('-')) out.mode = store::AclChange::Mode::remove;
  if (out.mode != store::AclChange::Mode::replace) text.remove_prefix(1);
  const auto rights = store::parse_rights(text);
  if (!rights) return std::unexpected(rights.error());
  out.rights = *rights;
  return out;
}

async::Task<Reply> apply(Session& session, std::string name, store::AclChange change) {
  const auto info = co_await session.store().status(std::move(name));
  if (!info) co_return from_error(info.error());
  const auto done = co_await store::sharing_of(session.store()).set_acl(info->id, std::move(change));
  if (done) co_return ok("Done");
  // Who may not administer learns nothing about identifiers: the right is checked first.
  if (done.error().kind == ErrorKind::invalid) co_return no("CANNOT", done.error().text);
  co_return from_error(done.error());
}

/// The first and only mailbox argument, read to the end of the command.
std::string lone_mailbox(Parser& in) {
  in.sp();
  auto name = in.mailbox();
  in.end();
  return name;
}

void begin_response(Session& session, std::string_view response, std::string_view name) {
  session.out().append("* ").append(response).append(" ");
  append_mailbox(session.out(), name, session.names());
}

}  // namespace

// RFC 4314 §3.1
async::Task<Reply> set_acl(Session& session, Command& command) {
  auto& in = command.args;
  in.sp();
  auto name = in.mailbox();
  in.sp();
  auto who = in.astring();
  in.sp();
  const auto rights = in.astring();
  in.end();
  if (!in.ok()) co_return in.fault();
  auto change = read_change(std::move(who), rights);
  if (!change) co_return bad(change.error().text);
  co_return co_await apply(session, std::move(name), *std::move(change));
}

// RFC 4314 §3.2
async::Task<Reply> delete_acl(Session& session, Command& command) {
  auto& in = command.args;
  in.sp();
  auto name = in.mailbox();
  in.sp();
  auto who = in.astring();
  in.end();
  if (!in.ok()) co_return in.fault();
  co_return co_await apply(session, std::move(name), {.who = std::move(who), .rights = 0});
}

// RFC 4314 §3.3
async::Task<Reply> get_acl(Session& session, Command& command) {
  const auto name = lone_mailbox(command.args);
  if (!command.args.ok()) co_return command.args.fault();
  const auto info = co_await session.store().status(name);
  if (!info) co_return from_error(info.error());
  const auto entries = co_await store::sharing_of(session.store()).acl(info->id);
  if (!entries) co_return from_error(entries.error());
  begin_response(session, "ACL", name);
  for (const auto& entry : *entries) {
    session.out() += ' ';
    append_string(session.out(), entry.who);
    session.out().append(" ").append(rights_on_wire(entry.rights));
    co_await session.flush_if_full();
  }
  session.out().append("\r\n");
  co_return ok("Done");
}

// RFC 4314 §3.4: the owner always has everything; others may be given each right alone.
async::Task<Reply> list_rights(Session& session, Command& command) {
  auto& in = command.args;
  in.sp();
  const auto name = in.mailbox();
  in.sp();
  const auto who = in.astring();
  in.end();
  if (!in.ok()) co_return in.fault();
  const auto info = co_await session.store().status(name);
  if (!info) co_return from_error(info.error());
  const auto entries = co_await store::sharing_of(session.store()).acl(info->id);
  if (!entries) co_return from_error(entries.error());
  begin_response(session, "LISTRIGHTS", name);
  session.out() += ' ';
  append_string(session.out(), who);
  const bool owner = ascii::iequals(entries->front().who, who);
  session.out().append(owner ? " " + rights_on_wire(store::right::all) : std::string(" \"\" l r s w i p k x t e a c d"));
  session.out().append("\r\n");
  co_return ok("Done");
}

// RFC 4314 §3.5
async::Task<Reply> my_rights(Session& session, Command& command) {
  const auto name = lone_mailbox(command.args);
  if (!command.args.ok()) co_return command.args.fault();
  const auto info = co_await session.store().status(name);
  if (!info) co_return from_error(info.error());
  const auto grant = co_await grant_on(session, *info);
  if (!grant) co_return from_error(grant.error());
  begin_response(session, "MYRIGHTS", name);
  session.out().append(" ").append(rights_on_wire(grant->rights)).append("\r\n");
  co_return ok("Done");
}

}  // namespace postern::imap::commands
