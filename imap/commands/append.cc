// SPDX-License-Identifier: Apache-2.0
// APPEND, also of several messages (RFC 3502), and REPLACE (RFC 8508).
#include "imap/appender.h"

namespace postern::imap::commands {
namespace {

/// The message that a number names. Error: a sequence number without message is a fault, a UID without one not_found.
Result<store::Uid> replaced_uid(const View& view, std::uint32_t number, Numbering numbering) {
  const auto& snapshot = view.snapshot();
  if (numbering == Numbering::uid) {
    if (!snapshot.index_of(number)) return fail(ErrorKind::not_found, "no such message");
    return number;
  }
  if (number == 0 || number > snapshot.size()) return fail(ErrorKind::invalid, "no message of this number");
  return snapshot.row(number - 1).uid;
}

}  // namespace

// RFC 3501 §6.3.11
async::Task<Reply> append(Session& session, Command& command) {
  command.args.sp();
  Appender appender(session, Appender::Count::many);
  co_return co_await appender.run(command.args);
}

// RFC 8508 §3: the new message is stored first, and only when it is durable the old one goes, whatever its flags. RFC 8508 §4.1:
// APPENDUID comes in an untagged OK before EXPUNGE.
async::Task<Reply> replace(Session& session, Command& command) {
  auto& in = command.args;
  in.sp();
  const auto number = in.nz_number();
  in.sp();
  const auto uid = replaced_uid(session.view(), number, command.numbering());
  if (!uid && uid.error().kind == ErrorKind::invalid) in.fail("No message of this number");
  if (!uid) in.refuse(no("NONEXISTENT", "No message of this UID"));
  if (session.view().read_only()) in.refuse(no("READ-ONLY", "The mailbox is open for reading only"));
  Appender appender(session, Appender::Count::one);
  auto reply = co_await appender.run(in);
  if (reply.status != Reply::Status::ok) co_return reply;
  append_reply(session.out(), "*", ok(append_uid(*appender.appended()), "The new message is stored"));
  const auto mailbox = session.view().mailbox();
  const auto gone = co_await session.store().expunge(mailbox, store::UidSet{{*uid, *uid}}, store::ExpungeMode::any);
  if (!gone) co_return from_error(gone.error());
  session.trace().expunged({mailbox}, *gone);
  co_await session.tell_changes(Expunges::tell, session.flag_format(command));
  // RFC 7162 §3.2.7
  if (session.condstore() && session.is_selected() && !gone->empty()) {
    co_return ok(fmt::format("HIGHESTMODSEQ {}", session.view().snapshot().highest), "Replaced");
  }
  co_return ok("Replaced");
}

}  // namespace postern::imap::commands
