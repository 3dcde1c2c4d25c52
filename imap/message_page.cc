// SPDX-License-Identifier: Apache-2.0
// Pages of messages: the index is read for each at once, texts one by one.
#include "imap/message_page.h"

#include <algorithm>

#include "imap/fetch_writer.h"
#include "imap/limits.h"

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

}  // namespace

async::Task<> tell_messages(Session& session, const FetchRequest& request, store::Uid from) {
  const auto& snapshot = session.view().snapshot();
  const auto end = snapshot.size();
  for (auto begin = snapshot.lower_bound(from); begin < end; begin += limits::info_page) {
    co_await tell_page(session, request, {begin, std::min(begin + limits::info_page, end)});
  }
}

}  // namespace postern::imap
