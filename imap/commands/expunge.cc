// SPDX-License-Identifier: Apache-2.0
// EXPUNGE and UID EXPUNGE.
#include "imap/session.h"

namespace postern::imap::commands {
namespace {

/// The UIDs a set names: of messages in the picture.
Result<store::UidSet> wanted(Session& session, const SequenceSet& set) {
  const auto rows = session.view().resolve(set, Numbering::uid);
  if (!rows) return std::unexpected(rows.error());
  return uids_of(session.view().snapshot(), *rows);
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
  auto uids = by_set ? wanted(session, set) : store::UidSet::all();
  if (!uids) co_return bad("Broken message set");
  const auto mailbox = session.view().mailbox();
  const auto gone = co_await session.store().expunge(mailbox, *std::move(uids), store::ExpungeMode::marked_deleted);
  if (!gone) co_return from_error(gone.error());
  session.trace().expunged({mailbox}, *gone);
  co_await session.tell_changes(Expunges::tell, session.flag_format(command));
  // RFC 7162 §3.2.7
  if (session.condstore() && session.is_selected() && !gone->empty()) {
    co_return ok(fmt::format("HIGHESTMODSEQ {}", session.view().snapshot().highest), "Expunged");
  }
  co_return ok("Expunged");
}

}  // namespace postern::imap::commands
