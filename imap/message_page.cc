// SPDX-License-Identifier: Apache-2.0
// Pages of messages: the index is read for each at once, texts one by one.
#include "imap/message_page.h"

#include <algorithm>

#include "imap/fetch_writer.h"
#include "imap/limits.h"
#include "imap/session.h"

namespace postern::imap {
namespace {

template <class T>
const T* find(const std::vector<T>& rows, store::Uid uid) {
  const auto found = std::ranges::lower_bound(rows, uid, {}, &T::uid);
  return found != rows.end() && found->uid == uid ? &*found : nullptr;
}

/// Rows [begin, end) of the picture.
async::Task<> tell_page(Session& session, const FetchRequest& request, IndexRange page) {
  FetchWriter writer(session, request);
  const auto& view = session.view();
  store::UidSet uids;
  for (auto i = page.begin; i < page.end; ++i) uids.add(view.snapshot().row(i).uid);
  if (request.reads_bodies() && co_await session.is_shared()) {
    session.trace().read({view.mailbox(), view.name()}, uids);
  }
  std::vector<store::MessageInfo> infos;
  if (writer.needs_info()) {
    auto read = co_await session.store().info(view.mailbox(), uids, writer.fields());
    if (read) infos = *std::move(read);
  }
  std::vector<store::Particulars> particulars;
  if (request.needs_particulars()) {
    auto read = co_await session.store().particulars(view.mailbox(), uids);
    if (read) particulars = *std::move(read);
  }
  for (auto i = page.begin; i < page.end; ++i) {
    const auto uid = view.snapshot().row(i).uid;
    const auto written = co_await writer.write(i, {find(infos, uid), nullptr, find(particulars, uid)});
    if (!written) session.services().log.debug("imap", "new message not told", {{"error", written.error().text}});
    co_await session.flush_if_full();
  }
}

/// The items of all that want this message.
FetchRequest merged(const std::vector<WantedFetch>& wanted, const std::vector<bool>& by) {
  FetchRequest out;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!by[i]) continue;
    for (const auto& item : wanted[i].request.items) {
      if (std::ranges::find(out.items, item) == out.items.end()) out.items.push_back(item);
    }
  }
  return out;
}

/// Who wants the message.
std::vector<bool> wanting(const std::vector<WantedFetch>& wanted, store::Uid uid) {
  std::vector<bool> out;
  for (const auto& one : wanted) out.push_back(one.uids.contains(uid));
  return out;
}

}  // namespace

async::Task<> tell_messages(Session& session, const std::vector<WantedFetch>& wanted) {
  const auto& snapshot = session.view().snapshot();
  store::UidSet all;
  for (const auto& one : wanted) {
    for (const auto& range : one.uids.ranges()) all.add(range);
  }
  for (const auto& range : all.ranges()) {
    const auto end = range.hi == UINT32_MAX ? snapshot.size() : snapshot.lower_bound(range.hi + 1);
    for (auto begin = snapshot.lower_bound(range.lo); begin < end;) {
      const auto by = wanting(wanted, snapshot.row(begin).uid);
      auto until = begin + 1;
      while (until < end && until - begin < limits::info_page && wanting(wanted, snapshot.row(until).uid) == by) ++until;
      auto request = merged(wanted, by);
      if (!session.uid_only()) request.require(FetchItem::Kind::uid);
      co_await tell_page(session, request, {begin, until});
      begin = until;
    }
  }
}

}  // namespace postern::imap
