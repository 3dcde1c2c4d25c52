// SPDX-License-Identifier: Apache-2.0
// STORE and UID STORE, conditional or not.
#include <algorithm>

#include "base/ascii.h"
#include "imap/limits.h"
#include "imap/message_limit.h"
#include "imap/session.h"
#include "store/keywords.h"

namespace postern::imap::commands {
namespace {

struct Arguments {
  SequenceSet set;
  store::FlagChange change;
  bool silent = false;
};

// RFC 7162 §3.1.3: store-modifier = "UNCHANGEDSINCE" SP mod-sequence-valzer
void read_modifier(Session& session, Parser& in, Arguments& out) {
  in.expect('(');
  if (!in.take_keyword("UNCHANGEDSINCE")) in.fail("Unknown store modifier");
  in.sp();
  out.change.unchanged_since = in.mod_sequence();
  in.expect(')');
  in.sp();
  if (in.ok()) session.enable_condstore();
}

// RFC 3501 §9: store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
void read_flags(Parser& in, Arguments& out) {
  out.change.mode = store::FlagChange::Mode::replace;
  if (in.take('+')) {
    out.change.mode = store::FlagChange::Mode::add;
  } else if (in.take('-')) {
    out.change.mode = store::FlagChange::Mode::remove;
  }
  const auto word = in.atom();
  out.silent = ascii::iequals(word, "FLAGS.SILENT");
  if (!out.silent && !ascii::iequals(word, "FLAGS")) in.fail("Expected FLAGS");
  in.sp();
  auto list = in.is('(') ? in.flag_list() : in.flags();
  in.end();
  out.change.system = list.system;
  out.change.keywords = std::move(list.keywords);
}

/// The rows of these UIDs that are there, ascending.
std::vector<std::size_t> rows_of(const store::Snapshot& snapshot, const store::UidSet& uids) {
  std::vector<std::size_t> out;
  for (const auto& range : uids.ranges()) {
    for (auto i = snapshot.lower_bound(range.lo); i < snapshot.size() && snapshot.row(i).uid <= range.hi; ++i) out.push_back(i);
  }
  return out;
}

/// Sequence numbers of these UIDs, in the form of a set.
std::string as_numbers(const store::Snapshot& snapshot, const store::UidSet& uids, Numbering numbering) {
  if (numbering == Numbering::uid) return uids.to_string();
  store::UidSet numbers;
  for (const auto index : rows_of(snapshot, uids)) numbers.add(static_cast<store::Uid>(index + 1));
  return numbers.to_string();
}

/// The flags that a client believes a message to have behind its own silent change.
std::uint64_t believed(const store::Snapshot& now, const store::FlagChange& change, std::uint64_t flags) {
  const auto bits = change.system | store::find_keywords(now.keywords, change.keywords);
  switch (change.mode) {
    case store::FlagChange::Mode::add: return flags | bits;
    case store::FlagChange::Mode::remove: return flags & ~bits;
    case store::FlagChange::Mode::replace: return bits;
  }
  return flags;
}

/// RFC 3501 §6.4.6: the new flags of every message of the set, unless .SILENT; RFC 7162 §3.1.3: with CONDSTORE the new MODSEQ
/// also then. Changes by others that the client has not heard of are told in full, also in a message that it changed silently.
/// A command that stopped at the limit goes from the highest message down (RFC 9738 §3.1).
async::Task<> answer(Session& session, const Command& command, const Arguments& arguments, const store::FlagResult& result,
                     const MessageLimit& limit) {
  const auto before = session.view().snapshot_ptr();
  auto update = co_await session.take_changes(Expunges::hold);
  if (!session.is_selected()) co_return;
  auto& view = session.view();
  auto& out = session.out();
  const auto format = session.flag_format(command);
  const auto& snapshot = view.snapshot();
  const auto knows = [&](const store::Row& row) {
    const auto index = before->index_of(row.uid);
    return index && believed(snapshot, arguments.change, before->row(*index).flags) == row.flags;
  };
  std::erase_if(update.changed,
                [&](const store::Row& row) { return result.changed.contains(row.uid) && (!arguments.silent || knows(row)); });
  store::UidSet told;
  for (const auto& row : update.changed) told.add(row.uid);
  co_await session.tell(update, format);
  if (arguments.silent && !format.modseq) co_return;
  auto answered = rows_of(snapshot, result.changed.minus(told));
  if (limit.has_stopped()) std::ranges::reverse(answered);
  for (const auto index : answered) {
    if (arguments.silent) {
      view.append_modseq(out, snapshot.row(index), format);
    } else {
      view.append_changed(out, snapshot.row(index), format);
    }
    if (out.size() >= limits::flush_at) co_await session.flush();
  }
}

/// UIDs asked for that the store has not any more.
bool lacks_some(const store::UidSet& asked, const store::FlagResult& result) {
  return asked.count() > result.changed.count() + result.modified.count();
}

Reply reply(Session& session, const Command& command, const store::UidSet& uids, const store::FlagResult& result) {
  if (!session.is_selected()) return ok("Done");
  if (!result.modified.empty()) {
    const auto numbers = as_numbers(session.view().snapshot(), result.modified, command.numbering());
    return ok("MODIFIED " + numbers, "Some were changed meanwhile");
  }
  // RFC 5530 §3. Not NO (RFC 2180 §4.2.2): fetchmail marks each message that it took, and ends the session when it cannot.
  if (command.numbering() == Numbering::sequence && lacks_some(uids, result)) {
    return ok("EXPUNGEISSUED", "Some of the messages are gone");
  }
  return ok("Done");
}

}  // namespace

// RFC 3501 §6.4.6; conditional STORE: RFC 7162 §3.1.3
async::Task<Reply> store_flags(Session& session, Command& command) {
  auto& in = command.args;
  Arguments arguments;
  in.sp();
  arguments.set = in.sequence_set();
  in.sp();
  if (in.is('(')) read_modifier(session, in, arguments);
  read_flags(in, arguments);
  if (!in.ok()) co_return in.fault();
  auto& view = session.view();
  if (view.read_only()) co_return no("READ-ONLY", "The mailbox is open for reading only");
  auto rows = view.resolve(arguments.set, command.numbering());
  if (!rows) co_return bad("No message of this number");
  MessageLimit limit(session);
  limit.cut(view.snapshot(), *rows);
  const auto uids = uids_of(view.snapshot(), *rows);
  if (uids.empty()) co_return ok("No messages");
  const auto result = co_await session.store().store_flags(view.mailbox(), uids, arguments.change);
  if (!result) co_return from_error(result.error());
  co_await answer(session, command, arguments, *result, limit);
  co_return limit.tell(session, reply(session, command, uids, *result));
}

}  // namespace postern::imap::commands
