// SPDX-License-Identifier: Apache-2.0
// COPY and MOVE. The store does each as one unit; we only translate numbers.
#include "imap/message_limit.h"
#include "imap/session.h"

namespace postern::imap::commands {
namespace {

/// What both commands read: sequence-set SP mailbox.
struct Arguments {
  SequenceSet set;
  std::string mailbox;
};

Arguments read_arguments(Parser& in) {
  Arguments out;
  in.sp();
  out.set = in.sequence_set();
  in.sp();
  out.mailbox = in.mailbox();
  in.end();
  return out;
}

// RFC 4315 §3
std::string copy_uid(const store::Copied& copied) {
  return fmt::format("COPYUID {} {} {}", copied.uidvalidity, copied.from.to_string(), copied.to.to_string());
}

/// Error not_found: the destination is missing.
async::Task<Result<store::Copied>> transfer(Session& session, store::UidSet uids, std::string to, store::CopyMode mode) {
  const auto target = co_await session.store().status(std::move(to));
  if (!target) co_return std::unexpected(target.error());
  const auto from = session.view().mailbox();
  auto copied = co_await session.store().copy(from, std::move(uids), target->id, mode);
  if (copied) {
    session.trace().transferred({from}, {target->id, target->name}, *copied, mode);
    session.made(target->id, copied->to);
  }
  co_return copied;
}

// RFC 3501 §6.4.7: a missing destination is never made, the client is told that it could.
Reply failed(const Error& error) {
  if (error.kind == ErrorKind::not_found) return no("TRYCREATE", "No such mailbox");
  return from_error(error);
}

}  // namespace

// RFC 3501 §6.4.7
async::Task<Reply> copy(Session& session, Command& command) {
  auto arguments = read_arguments(command.args);
  if (!command.args.ok()) co_return command.args.fault();
  auto rows = session.view().resolve(arguments.set, command.numbering());
  if (!rows) co_return bad("No message of this number");
  MessageLimit limit(session);
  if (limit.cut(session.view().snapshot(), *rows)) co_return limit.refusal();
  auto uids = uids_of(session.view().snapshot(), *rows);
  const auto copied = co_await transfer(session, std::move(uids), std::move(arguments.mailbox), store::CopyMode::copy);
  if (!copied) co_return failed(copied.error());
  if (copied->from.empty()) co_return ok("No messages to copy");
  co_return ok(copy_uid(*copied), "Copied");
}

// RFC 6851 §3.3: COPYUID comes in an untagged OK before the EXPUNGE responses (§4.3).
async::Task<Reply> move(Session& session, Command& command) {
  auto arguments = read_arguments(command.args);
  if (!command.args.ok()) co_return command.args.fault();
  if (session.view().read_only()) co_return no("READ-ONLY", "The mailbox is open for reading only");
  auto rows = session.view().resolve(arguments.set, command.numbering());
  if (!rows) co_return bad("No message of this number");
  MessageLimit limit(session);
  limit.cut(session.view().snapshot(), *rows);
  auto uids = uids_of(session.view().snapshot(), *rows);
  const auto moved = co_await transfer(session, std::move(uids), std::move(arguments.mailbox), store::CopyMode::move);
  if (!moved) co_return failed(moved.error());
  if (moved->from.empty()) co_return ok("No messages to move");
  append_reply(session.out(), "*", ok(copy_uid(*moved), "Moved"));
  co_await session.tell_changes(Expunges::tell, session.flag_format(command));
  if (session.condstore() && session.is_selected()) {
    co_return limit.tell(session, ok(fmt::format("HIGHESTMODSEQ {}", session.view().snapshot().highest), "Moved"));
  }
  co_return limit.tell(session, ok("Moved"));
}

}  // namespace postern::imap::commands
