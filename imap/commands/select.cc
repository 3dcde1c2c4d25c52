// SPDX-License-Identifier: Apache-2.0
// SELECT, EXAMINE, CLOSE and UNSELECT.
#include "imap/resync.h"
#include "imap/rights.h"
#include "imap/session.h"

namespace postern::imap::commands {
namespace {

/// The sequence number of the first unseen message, or 0.
std::size_t first_unseen(const store::Snapshot& snapshot) {
  std::size_t number = 0;
  for (const auto& chunk : snapshot.chunks()) {
    for (const auto& row : *chunk) {
      ++number;
      if ((row.flags & store::flag::seen) == 0) return number;
    }
  }
  return 0;
}

// RFC 3501 §6.3.1, RFC 7162 §3.1.2.1; RFC 9051 §6.3.2: the name as LIST tells it, neither RECENT nor UNSEEN
void describe(Session& session, const View& view, std::string_view name) {
  const auto& snapshot = view.snapshot();
  auto& out = session.out();
  auto to = std::back_inserter(out);
  view.append_mailbox_flags(out);
  fmt::format_to(to, "* {} EXISTS\r\n", snapshot.size());
  if (session.revision2()) {
    out.append("* LIST () \"/\" ");
    append_mailbox(out, name, session.names());
    out.append("\r\n");
  } else {
    fmt::format_to(to, "* {} RECENT\r\n", view.recent_count());
    // RFC 9586 §3: UNSEEN would be a sequence number.
    if (const auto unseen = session.uid_only() ? 0 : first_unseen(snapshot); unseen != 0)
      fmt::format_to(to, "* OK [UNSEEN {}] First unseen\r\n", unseen);
  }
  fmt::format_to(to, "* OK [UIDVALIDITY {}] UIDs are valid\r\n* OK [UIDNEXT {}] Predicted next UID\r\n", snapshot.uidvalidity,
                 snapshot.uidnext);
  fmt::format_to(to, "* OK [HIGHESTMODSEQ {}] Highest\r\n", snapshot.highest);
}

async::Task<Result<std::unique_ptr<View>>> open(Session& session, std::string name, Access access) {
  const auto info = co_await session.store().status(std::move(name));
  if (!info) co_return std::unexpected(info.error());
  const auto grant = co_await grant_on(session, *info);
  if (!grant) co_return std::unexpected(grant.error());
  if (!can_change(*grant)) access = Access::read_only;
  auto watch = co_await session.store().open(info->id);
  if (!watch) co_return std::unexpected(watch.error());
  store::Uid recent_above = UINT32_MAX;
  if (access == Access::read_write && !session.revision2()) {
    const auto taken = co_await session.store().take_recent(info->id);
    if (!taken) co_return std::unexpected(taken.error());
    recent_above = *taken;
  }
  auto snapshot = (*watch)->latest();
  if (!snapshot) co_return fail(ErrorKind::not_found, "deleted while it was opened");
  if (access == Access::read_only && !session.revision2()) recent_above = snapshot->recent_uid;
  auto view = std::make_unique<View>(*std::move(watch), std::move(snapshot), access);
  view->limit_flags(settable_flags(*grant));
  view->describe(info->name, grant->owner == session.store().identity().account() ? View::Owner::self : View::Owner::other);
  if (recent_above < UINT32_MAX) view->add_recent(recent_above + 1);
  co_return view;
}

// RFC 7162 §3.2.5.1: what changed and went while the client was away, after the usual responses
async::Task<Result<>> tell_absence(Session& session, View& view, const Resync& resync) {
  if (resync.uidvalidity != view.snapshot().uidvalidity) co_return Result<>();
  const auto vanished = co_await session.store().vanished_since(view.mailbox(), resync.since);
  if (!vanished) co_return std::unexpected(vanished.error());
  append_vanished(session.out(), resync.vanished(view.snapshot(), *vanished), "(EARLIER) ");
  const auto picture = view.snapshot_ptr();
  for (const auto& chunk : picture->chunks()) {
    for (const auto& row : *chunk) {
      if (row.modseq <= resync.since || !resync.is_known(row.uid)) continue;
      view.append_changed(session.out(), row, {.uid = true, .modseq = true, .uid_only = session.uid_only()});
      co_await session.flush_if_full();
    }
  }
  co_return Result<>();
}

async::Task<Reply> select_as(Session& session, Command& command, Access access) {
  auto& in = command.args;
  in.sp();
  auto name = in.mailbox();
  const auto parameters = parse_select_parameters(in);
  in.end();
  // RFC 7162 §3.2.5: QRESYNC has to be enabled before.
  if (parameters.resync && !session.qresync()) in.fail("QRESYNC is not enabled");
  // RFC 9586 §3
  if (parameters.resync && !parameters.resync->matched_numbers.empty() && session.uid_only()) in.refuse(uid_required());
  if (!in.ok()) co_return in.fault();
  // RFC 3501 §6.3.1: the selected mailbox is left also when this fails. RFC 7162 §3.2.11: CLOSED marks the moment.
  if (session.is_selected()) session.out().append("* OK [CLOSED] Previous mailbox is closed\r\n");
  session.unselect();
  if (parameters.condstore) session.enable_condstore();
  auto view = co_await open(session, name, access);
  if (!view) co_return from_error(view.error());
  describe(session, **view, name);
  // RFC 8474 §4.2
  const auto id = co_await session.store().object_id((*view)->mailbox());
  if (id) session.out().append("* OK [MAILBOXID (").append(*id).append(")] Ok\r\n");
  if (parameters.resync) {
    const auto told = co_await tell_absence(session, **view, *parameters.resync);
    if (!told) co_return from_error(told.error());
  }
  const bool read_only = (*view)->read_only();
  session.select(*std::move(view));
  co_return ok(read_only ? "READ-ONLY" : "READ-WRITE", "Selected");
}

}  // namespace

async::Task<Reply> select(Session& session, Command& command) { return select_as(session, command, Access::read_write); }

// RFC 3501 §6.3.2
async::Task<Reply> examine(Session& session, Command& command) { return select_as(session, command, Access::read_only); }

// RFC 3501 §6.4.2: expunges without a word, except when read-only. RFC 7162 §3.2.8: the new HIGHESTMODSEQ with QRESYNC.
async::Task<Reply> close(Session& session, Command& command) {
  command.args.end();
  if (!command.args.ok()) co_return command.args.fault();
  auto reply = ok("Closed");
  if (!session.view().read_only()) {
    const auto mailbox = session.view().mailbox();
    const auto gone = co_await session.store().expunge(mailbox, store::UidSet::all(), store::ExpungeMode::marked_deleted);
    // RFC 4314 §4: without the right "e" nothing is expunged, and CLOSE is no error.
    const bool may_not = !gone && (gone.error().kind == ErrorKind::not_found || gone.error().kind == ErrorKind::denied);
    if (!gone && !may_not) co_return from_error(gone.error());
    if (gone) session.trace().expunged({mailbox}, *gone);
    const auto latest = session.view().watch().latest();
    if (session.qresync() && gone && !gone->empty() && latest) reply.code = fmt::format("HIGHESTMODSEQ {}", latest->highest);
  }
  session.unselect();
  co_return reply;
}

// RFC 3691 §2
async::Task<Reply> unselect(Session& session, Command& command) {
  command.args.end();
  if (!command.args.ok()) co_return command.args.fault();
  session.unselect();
  co_return ok("Unselected");
}

}  // namespace postern::imap::commands
