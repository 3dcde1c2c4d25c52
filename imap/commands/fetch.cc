// SPDX-License-Identifier: Apache-2.0
// FETCH and UID FETCH: pages of rows, \Seen in one change for each page, then the responses.
#include <span>

#include "async/together.h"
#include "imap/fetch_writer.h"
#include "imap/info_pages.h"
#include "imap/limits.h"
#include "imap/read_ahead.h"
#include "imap/resync.h"
#include "imap/session.h"

namespace postern::imap::commands {
namespace {

class Fetcher {
 public:
  Fetcher(Session& session, const Command& command, const FetchRequest& request)
      : session_(session),
        command_(command),
        request_(request),
        writer_(session, request),
        texts_(session.store(), session.view().mailbox(), writer_.octets(), ReadAhead::Use::all) {}

  async::Task<Reply> run(const IndexRanges& ranges) {
    Rows rows(*this, ranges);
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
  // RFC 7162 §3.1.4.1
  bool is_wanted(const store::Row& row) const { return !request_.changed_since || row.modseq > *request_.changed_since; }

  // RFC 9394 §3.3: positions among the messages that are wanted
  std::pair<std::size_t, std::size_t> wanted_part(const IndexRanges& ranges) const {
    if (!request_.partial) return {0, SIZE_MAX};
    std::size_t total = 0;
    for (const auto& range : ranges) {
      for (auto i = range.begin; i < range.end; ++i) total += is_wanted(session_.view().snapshot().row(i)) ? 1 : 0;
    }
    return request_.partial->of(total);
  }

  /// Rows that are answered together, and their index entries.
  struct Page {
    std::vector<std::size_t> rows;
    std::vector<store::MessageInfo> infos;
  };

  /// The wanted rows of the ranges, a page at a time.
  class Rows {
   public:
    Rows(const Fetcher& fetcher, const IndexRanges& ranges)
        : fetcher_(fetcher), ranges_(ranges), wanted_(fetcher.wanted_part(ranges)) {}
    /// Empty at the end.
    std::vector<std::size_t> next() {
      std::vector<std::size_t> page;
      for (; range_ < ranges_.size() && page.size() < limits::info_page; ++range_, offset_ = 0) {
        const auto& range = ranges_[range_];
        while (range.begin + offset_ < range.end && page.size() < limits::info_page) add(range.begin + offset_++, page);
        if (range.begin + offset_ < range.end) break;
      }
      return page;
    }

   private:
    void add(std::size_t row, std::vector<std::size_t>& page) {
      if (!fetcher_.is_wanted(fetcher_.session_.view().snapshot().row(row))) return;
      if (const auto at = position_++; at >= wanted_.first && at < wanted_.second) page.push_back(row);
    }

    const Fetcher& fetcher_;
    const IndexRanges& ranges_;
    const std::pair<std::size_t, std::size_t> wanted_;
    std::size_t range_ = 0, offset_ = 0, position_ = 0;
  };

  async::Task<> load(Page& page) {
    if (page.rows.empty() || !writer_.needs_info() || !session_.is_selected()) co_return;
    auto loaded = co_await session_.store().info(session_.view().mailbox(), uids(page.rows), writer_.fields());
    if (loaded) page.infos = *std::move(loaded);
  }

  /// Writes the rows of the page, unless the mailbox is deleted meanwhile.
  async::Task<> write_page(const Page& loaded_page) {
    const auto& page = loaded_page.rows;
    const auto& infos = loaded_page.infos;
    if (request_.sets_seen && !session_.view().read_only()) co_await set_seen(page);
    if (!session_.is_selected()) co_return;
    if (request_.reads_bodies() && co_await session_.is_shared()) {
      session_.trace().read({session_.view().mailbox(), session_.view().name()}, uids(page));
    }
    std::vector<store::Particulars> particulars;
    if (request_.needs_particulars()) {
      auto loaded = co_await session_.store().particulars(session_.view().mailbox(), uids(page));
      if (loaded) particulars = *std::move(loaded);
    }
    texts_.begin(writer_.lists_only() ? without_listed(uids(page), infos) : uids(page));
    Loaded loaded{infos, particulars};
    for (std::span<const std::size_t> rest = page; !rest.empty();) {
      const auto uid = uid_of(rest.front());
      if (!texts_.knows(uid)) co_await texts_.load(uid);
      const auto known = std::ranges::partition_point(rest, [this](std::size_t index) { return texts_.knows(uid_of(index)); });
      const auto window = rest.first(static_cast<std::size_t>(known - rest.begin()));
      rest = rest.subspan(window.size());
      // While this window is written, the store reads the next one.
      co_await async::together(async::all(texts_.read_on(), write_window(window, loaded)));
    }
  }

  /// What was loaded for a page, and how far it was used.
  struct Loaded {
    std::span<const store::MessageInfo> infos;
    std::span<const store::Particulars> particulars;

    const store::MessageInfo* info(store::Uid uid) { return find(infos, uid); }
    const store::Particulars* particulars_of(store::Uid uid) { return find(particulars, uid); }

   private:
    /// UIDs must not go down.
    template <class T>
    static const T* find(std::span<const T>& rows, store::Uid uid) {
      while (!rows.empty() && rows.front().uid < uid) rows = rows.subspan(1);
      return !rows.empty() && rows.front().uid == uid ? &rows.front() : nullptr;
    }
  };

  store::Uid uid_of(std::size_t index) const { return session_.view().snapshot().row(index).uid; }

  async::Task<> write_window(std::span<const std::size_t> window, Loaded& page) {
    for (const auto index : window) {
      const auto uid = uid_of(index);
      const Message::Loaded loaded{page.info(uid), texts_.get(uid), page.particulars_of(uid)};
      if (!writer_.write_at_once(index, loaded)) note(co_await writer_.write(index, loaded));
      if (session_.out().size() >= limits::flush_at) co_await session_.flush();
    }
  }

  store::UidSet uids(const std::vector<std::size_t>& page) const {
    store::UidSet out;
    for (const auto index : page) out.add(session_.view().snapshot().row(index).uid);
    return out;
  }

  // RFC 3501 §6.4.5: BODY[…] sets \Seen; the change is told with the bodies. A full disk must not keep mail from being read.
  async::Task<> set_seen(const std::vector<std::size_t>& page) {
    store::UidSet unseen;
    for (const auto index : page) {
      const auto& row = session_.view().snapshot().row(index);
      if ((row.flags & store::flag::seen) == 0) unseen.add(row.uid);
    }
    if (unseen.empty()) co_return;
    const auto done = co_await session_.store().store_flags(session_.view().mailbox(), unseen,
                                                            {.mode = store::FlagChange::Mode::add, .system = store::flag::seen});
    // RFC 4314 §4: without the right "s" reading leaves no trace.
    if (!done && done.error().kind != ErrorKind::denied)
      session_.services().log.warning("imap", "seen not kept", {{"error", done.error().text}});
    auto update = co_await session_.take_changes(Expunges::hold);
    if (done) std::erase_if(update.changed, [&](const store::Row& row) { return unseen.contains(row.uid); });
    co_await session_.tell(update, session_.flag_format(command_));
    if (done) writer_.show_flags_of(std::move(unseen));
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
  FetchWriter writer_;
  ReadAhead texts_;
  bool missing_ = false;
  bool failed_ = false;
  bool undecodable_ = false;  ///< a part's transfer encoding is not known
};

}  // namespace

namespace {

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
  const auto rows = session.view().resolve(set, command.numbering());
  if (!rows) co_return bad("No message of this number");
  if (request.vanished) {
    const auto told = co_await tell_vanished(session, set, *request.changed_since);
    if (!told) co_return from_error(told.error());
  }
  Fetcher fetcher(session, command, request);
  co_return co_await fetcher.run(*rows);
}

}  // namespace postern::imap::commands
