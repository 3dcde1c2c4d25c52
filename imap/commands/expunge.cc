// SPDX-License-Identifier: Apache-2.0
// EXPUNGE and UID EXPUNGE.
#include "imap/message_limit.h"
#include "imap/session.h"

namespace postern::imap::commands {
namespace {

/// The UIDs a set names: of messages in the picture. Only those that are to go count for the limit (RFC 9738 §3.1).
Result<store::UidSet> wanted(const View& view, const SequenceSet& set, MessageLimit& limit) {
  auto rows = view.resolve(set, Numbering::uid);
  if (!rows) return std::unexpected(rows.error());
  const auto& snapshot = view.snapshot();
  auto deleted = chosen_of(*rows, [&](std::size_t index) { return (snapshot.row(index).flags & store::flag::deleted) != 0; });
  return uids_of(snapshot, limit.cut(snapshot, deleted) ? deleted : *rows);
}

}  // namespace

// RFC 3501 §6.4.3; UID EXPUNGE: RFC 4315 §2.1
async::Task<Reply> expunge(Session& session, Command& command) {
  auto& in = command.args;
  SequenceSet set;
  const bool by_set = command.numbering() == Numbering::uid;
  if (by_set) {
    in.sp();
    set = in.sequence_set();
  }
  in.end();
  if (!in.ok()) co_return in.fault();
  if (session.view().read_only()) co_return no("READ-ONLY", "The mailbox is open for reading only");
  MessageLimit limit(session);
  auto uids = by_set ? wanted(session.view(), set, limit) : store::UidSet::all();
  if (!uids) co_return bad("Broken message set");
  const auto mailbox = session.view().mailbox();
  const auto gone = co_await session.store().expunge(mailbox, *std::move(uids), store::ExpungeMode::marked_deleted);
  if (!gone) co_return from_error(gone.error());
  session.trace().expunged({mailbox}, *gone);
  co_await session.tell_changes(Expunges::tell, session.flag_format(command));
  // RFC 7162 §3.2.7
  if (session.condstore() && session.is_selected() && !gone->empty()) {
    co_return limit.tell(session, ok(fmt::format("HIGHESTMODSEQ {}", session.view().snapshot().highest), "Expunged"));
  }
  co_return limit.tell(session, ok("Expunged"));
}

}  // namespace postern::imap::commands
