// SPDX-License-Identifier: Apache-2.0
// Pages of index entries, matched with the rows they were asked for.
#include "imap/info_pages.h"

#include <utility>

#include "async/executor.h"
#include "imap/limits.h"
#include "mime/part_codec.h"

namespace postern::imap {

InfoPages::InfoPages(Session& session, std::span<const std::size_t> rows, Wanted wanted)
    : session_(session),
      rows_(rows),
      wanted_(wanted),
      texts_(session.store(), session.view().mailbox(), wanted.octets, ReadAhead::Use::all) {}

async::Task<Result<bool>> InfoPages::next() {
  page_.clear();
  if (next_ == rows_.size()) co_return false;
  if (next_ != 0) co_await async::yield();
  // security.md D89: nobody waits for the outcome any more.
  if (session_.connection().peer_is_gone()) co_return fail(ErrorKind::closed, "the client went away");
  if (next_ != 0 && session_.progress_due()) co_await session_.tell_progress(next_, rows_.size());
  const auto& view = session_.view();
  const auto rows = rows_ahead();
  auto wanted = uids(rows);
  if (!ahead_) co_await read_on();
  auto infos = *std::exchange(ahead_, {});
  next_ += rows.size();
  if (!infos) co_return std::unexpected(infos.error());
  infos_ = *std::move(infos);
  texts_.begin(wanted_.lists_only ? without_listed(wanted, infos_) : std::move(wanted));
  auto info = infos_.begin();
  for (const auto row : rows) {
    const auto uid = view.snapshot().row(row).uid;
    while (info != infos_.end() && info->uid < uid) ++info;
    page_.push_back({row, info != infos_.end() && info->uid == uid ? &*info : nullptr});
  }
  co_return true;
}

async::Task<> InfoPages::read_on() {
  const auto rows = rows_ahead();
  if (rows.empty()) co_return;
  ahead_ = co_await session_.store().info(session_.view().mailbox(), uids(rows), wanted_.fields);
}

std::span<const std::size_t> InfoPages::rows_ahead() const {
  return rows_.subspan(next_, std::min(limits::info_page, rows_.size() - next_));
}

store::UidSet InfoPages::uids(std::span<const std::size_t> rows) const {
  store::UidSet out;
  for (const auto row : rows) out.add(session_.view().snapshot().row(row).uid);
  return out;
}

async::Task<Message> InfoPages::message(const Entry& entry) {
  const auto& view = session_.view();
  const auto uid = view.snapshot().row(entry.index).uid;
  if (!texts_.knows(uid)) co_await texts_.load(uid);
  co_return Message(session_.store(), view.mailbox(), uid, {entry.info, texts_.get(uid)});
}

store::UidSet without_listed(const store::UidSet& page, std::span<const store::MessageInfo> infos) {
  store::UidSet known;
  for (const auto& info : infos) {
    if (!mime::listed_fields_in(info.meta.parts).empty()) known.add(info.uid);
  }
  return page.minus(known);
}

async::Task<Result<Envelope>> envelope_of(Message& message) {
  const auto text = co_await message.envelope();
  if (!text) co_return std::unexpected(text.error());
  co_return Envelope::parse(*text);
}

}  // namespace postern::imap
