// SPDX-License-Identifier: Apache-2.0
// FETCH and UID FETCH: pages of rows, \Seen in one change for each page, then the responses.
#include <algorithm>
#include <span>

#include "async/together.h"
#include "imap/fetch_writer.h"
#include "imap/info_pages.h"
#include "imap/limits.h"
#include "imap/message_limit.h"
#include "imap/read_ahead.h"
#include "imap/resync.h"
#include "imap/session.h"

namespace postern::imap::commands {
namespace {

/// Of the answers, by UID.
enum class Order : bool { ascending, descending };

class Fetcher {
 public:
  Fetcher(Session& session, const Command& command, const FetchRequest& request, Order order)
      : session_(session),
        command_(command),
        request_(request),
        order_(order),
        writer_(session, request),
        texts_(session.store(), session.view().mailbox(), writer_.octets(), ReadAhead::Use::all) {}

  async::Task<Reply> run(const IndexRanges& ranges) {
    Rows rows(ranges, order_);
    Page page{rows.next(), {}};
    co_await load(page);
    while (!page.rows.empty()) {
      Page following{rows.next(), {}};
      if (following.rows.empty()) {
        co_await write_page(page);
      } else {
        // While this page is written, the store reads the next one.
        co_await async::together(async::all(load(following), write_page(page)));
      }
      if (!session_.is_selected()) co_return no("NONEXISTENT", "The mailbox was deleted");
      page = std::move(following);
    }
    if (failed_) co_return no("SERVERBUG", "Some of the messages cannot be read");
    // RFC 3516 §4.3
    if (undecodable_) co_return no("UNKNOWN-CTE", "The transfer encoding of a part is not known");
    // RFC 2180 §4.1.2, RFC 5530 §3
    if (missing_) co_return no("EXPUNGEISSUED", "Some of the messages are gone");
    co_return ok("Done");
  }

 private:
  /// Rows that are answered together, in the order of the answers, and their index entries by UID.
  struct Page {
    std::vector<std::size_t> rows;
    std::vector<store::MessageInfo> infos;
  };

  /// The rows of the ranges, a page at a time.
  class Rows {
   public:
    Rows(const IndexRanges& ranges, Order order) : ranges_(ranges), order_(order), total_(count(ranges)) {}
    /// Empty at the end.
    std::vector<std::size_t> next() {
      const auto begin = done_, end = std::min(done_ + limits::info_page, total_);
      done_ = end;
      const bool up = order_ == Order::ascending;
      std::vector<std::size_t> page;
      for (const auto& range : part_of(ranges_, up ? begin : total_ - end, up ? end : total_ - begin)) {
        for (auto i = range.begin; i < range.end; ++i) page.push_back(i);
      }
      if (!up) std::ranges::reverse(page);
      return page;
    }

   private:
    const IndexRanges& ranges_;
    const Order order_;
    const std::size_t total_;
    std::size_t done_ = 0;
  };

  async::Task<> load(Page& page) {
    if (page.rows.empty() || !writer_.needs_info() || !session_.is_selected()) co_return;
    auto loaded = co_await session_.store().info(session_.view().mailbox(), uids(page.rows), writer_.fields());
    if (loaded) page.infos = *std::move(loaded);
  }

  /// What was loaded for a page, by ascending UID.
  struct Loaded {
    std::span<const store::MessageInfo> infos;
    std::span<const store::Particulars> particulars;

    const store::MessageInfo* info(store::Uid uid) const { return find(infos, uid); }
    const store::Particulars* particulars_of(store::Uid uid) const { return find(particulars, uid); }

   private:
    template <class T>
    static const T* find(std::span<const T> rows, store::Uid uid) {
      const auto row = std::ranges::lower_bound(rows, uid, {}, &T::uid);
      return row != rows.end() && row->uid == uid ? &*row : nullptr;
    }
  };

  /// Writes the rows of the page, unless the mailbox is deleted meanwhile.
  async::Task<> write_page(const Page& loaded_page) {
    const auto& page = loaded_page.rows;
    const auto& infos = loaded_page.infos;
    Update meanwhile;
    if (request_.sets_seen && !session_.view().read_only()) meanwhile = co_await set_seen(page);
    if (!session_.is_selected()) co_return;
    if (request_.reads_bodies() && co_await session_.is_shared()) {
      session_.trace().read({session_.view().mailbox(), session_.view().name()}, uids(page));
    }
    std::vector<store::Particulars> particulars;
    if (request_.needs_particulars()) {
      auto loaded = co_await session_.store().particulars(session_.view().mailbox(), uids(page));
      if (loaded) particulars = *std::move(loaded);
    }
    Loaded loaded{infos, particulars};
    if (order_ == Order::ascending) {
      co_await write_rows(page, loaded);
    } else {
      for (const auto& row : page) co_await write_rows({&row, 1}, loaded);
    }
    // Not before: many a script takes the first FETCH for its answer.
    co_await session_.tell(meanwhile, session_.flag_format(command_));
  }

  /// Rows by ascending UID.
  async::Task<> write_rows(std::span<const std::size_t> rows, const Loaded& loaded) {
    texts_.begin(writer_.lists_only() ? without_listed(uids(rows), loaded.infos) : uids(rows));
    for (auto rest = rows; !rest.empty();) {
      const auto uid = uid_of(rest.front());
      if (!texts_.knows(uid)) co_await texts_.load(uid);
      const auto known = std::ranges::partition_point(rest, [this](std::size_t index) { return texts_.knows(uid_of(index)); });
      const auto window = rest.first(static_cast<std::size_t>(known - rest.begin()));
      rest = rest.subspan(window.size());
      // While this window is written, the store reads the next one.
      co_await async::together(async::all(texts_.read_on(), write_window(window, loaded)));
    }
  }

  store::Uid uid_of(std::size_t index) const { return session_.view().snapshot().row(index).uid; }

  async::Task<> write_window(std::span<const std::size_t> window, const Loaded& page) {
    for (const auto index : window) {
      const auto uid = uid_of(index);
      const Message::Loaded loaded{page.info(uid), texts_.get(uid), page.particulars_of(uid)};
      if (!writer_.write_at_once(index, loaded)) note(co_await writer_.write(index, loaded));
      if (session_.out().size() >= limits::flush_at) co_await session_.flush();
    }
  }

  store::UidSet uids(std::span<const std::size_t> page) const {
    store::UidSet out;
    if (order_ == Order::ascending) {
      for (const auto index : page) out.add(uid_of(index));
    } else {
      for (auto row = page.rbegin(); row != page.rend(); ++row) out.add(uid_of(*row));
    }
    return out;
  }

  /// RFC 3501 §6.4.5: BODY[…] sets \Seen; the change is told with the bodies. A full disk must not keep mail from being read.
  /// Gives what others did until then.
  async::Task<Update> set_seen(const std::vector<std::size_t>& page) {
    std::vector<std::size_t> rows;
    std::ranges::copy_if(page, std::back_inserter(rows), [this](std::size_t index) {
      return (session_.view().snapshot().row(index).flags & store::flag::seen) == 0;
    });
    auto unseen = uids(rows);
    if (unseen.empty()) co_return Update{};
    const auto done = co_await session_.store().store_flags(session_.view().mailbox(), unseen,
                                                            {.mode = store::FlagChange::Mode::add, .system = store::flag::seen});
    // RFC 4314 §4: without the right "s" reading leaves no trace.
    if (!done && done.error().kind != ErrorKind::denied)
      session_.services().log.warning("imap", "seen not kept", {{"error", done.error().text}});
    auto update = co_await session_.take_changes(Expunges::hold);
    if (done) std::erase_if(update.changed, [&](const store::Row& row) { return unseen.contains(row.uid); });
    if (done) writer_.show_flags_of(std::move(unseen));
    co_return update;
  }

  void note(const Result<>& written) {
    if (written) return;
    const bool gone = written.error().kind == ErrorKind::not_found;
    missing_ = missing_ || gone;
    if (written.error().kind == ErrorKind::unsupported) {
      undecodable_ = true;
      return;
    }
    failed_ = failed_ || !gone;
    if (!gone) session_.services().log.error("imap", "message cannot be read", {{"error", written.error().text}});
  }

  Session& session_;
  const Command& command_;
  const FetchRequest& request_;
  const Order order_;
  FetchWriter writer_;
  ReadAhead texts_;
  bool missing_ = false;
  bool failed_ = false;
  bool undecodable_ = false;  ///< a part's transfer encoding is not known
};

}  // namespace

namespace {

/// Of the rows named, those that are answered: changed since then (RFC 7162 §3.1.4.1), at these positions among them (RFC 9394
/// §3.3), and not more than the limit. Nothing when the positions are more than that (RFC 9738 §3.1).
std::optional<IndexRanges> choose(const store::Snapshot& snapshot, IndexRanges rows, const FetchRequest& request,
                                  MessageLimit& limit) {
  if (request.changed_since) {
    rows = chosen_of(rows, [&](std::size_t index) { return snapshot.row(index).modseq > *request.changed_since; });
  }
  if (!request.partial) {
    limit.cut(snapshot, rows);
    return rows;
  }
  if (limit.is_exceeded_by(request.partial->last - request.partial->first + std::size_t{1})) return std::nullopt;
  const auto [first, last] = request.partial->of(count(rows));
  return part_of(rows, first, last);
}

/// RFC 7162 §3.2.6: of the UIDs asked for, those that went since, before any FETCH response
async::Task<Result<>> tell_vanished(Session& session, const SequenceSet& set, store::ModSeq since) {
  const auto& view = session.view();
  const auto vanished = co_await session.store().vanished_since(view.mailbox(), since);
  if (!vanished) co_return std::unexpected(vanished.error());
  const auto asked = set.uids(view.snapshot());
  append_vanished(session.out(), without_present(vanished->intersect(asked), view.snapshot()), "(EARLIER) ");
  co_return Result<>();
}

}  // namespace

// RFC 3501 §6.4.5; UID FETCH always gives the UID (§6.4.8); CHANGEDSINCE gives MODSEQ (RFC 7162 §3.1.4.1)
async::Task<Reply> fetch(Session& session, Command& command) {
  auto& in = command.args;
  in.sp();
  const auto set = in.sequence_set();
  in.sp();
  auto request = parse_fetch(in);
  if (request.vanished && (command.numbering() != Numbering::uid || !session.qresync())) {
    in.fail("VANISHED is for UID FETCH with QRESYNC enabled");
  }
  if (!in.ok()) co_return in.fault();
  if (request.changed_since) request.require(FetchItem::Kind::modseq);
  if (command.numbering() == Numbering::uid && !session.uid_only()) request.require(FetchItem::Kind::uid);
  if (request.has(FetchItem::Kind::modseq)) session.enable_condstore();
  auto rows = session.view().resolve(set, command.numbering());
  if (!rows) co_return bad("No message of this number");
  if (request.vanished) {
    const auto told = co_await tell_vanished(session, set, *request.changed_since);
    if (!told) co_return from_error(told.error());
  }
  MessageLimit limit(session);
  const auto chosen = choose(session.view().snapshot(), *std::move(rows), request, limit);
  if (!chosen) co_return limit.refusal();
  Fetcher fetcher(session, command, request, limit.has_stopped() ? Order::descending : Order::ascending);
  co_return limit.tell(session, co_await fetcher.run(*chosen));
}

}  // namespace postern::imap::commands
