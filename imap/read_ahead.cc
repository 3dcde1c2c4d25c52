// SPDX-License-Identifier: Apache-2.0
// Reads a window ahead. Where only some messages are wanted, the window starts small and grows while most of it is used.
#include "imap/read_ahead.h"

#include <algorithm>
#include <utility>

namespace postern::imap {
namespace {

constexpr std::uint64_t full_window = 1 << 20;
constexpr std::uint64_t first_window = 64 * 1024;

}  // namespace

ReadAhead::ReadAhead(store::Session& store, store::MailboxId mailbox, std::uint64_t per_message, Use use)
    : store_(store), mailbox_(mailbox), most_(per_message), use_(use), window_(use == Use::all ? full_window : first_window) {}

void ReadAhead::begin(store::UidSet page) {
  page_ = std::move(page);
  texts_ = {};
  ahead_ = {};
  ahead_from_ = 0;
  next_ = used_ = 0;
  if (page_.empty()) texts_.through = UINT32_MAX;
}

async::Task<> ReadAhead::load(store::Uid uid) {
  if (use_ == Use::some && !texts_.texts.empty()) {
    const bool well_used = used_ * 2 >= texts_.texts.size();
    window_ = well_used ? std::min(full_window, window_ * 2) : first_window;
  }
  if (ahead_from_ != 0 && ahead_from_ <= uid && uid <= ahead_.through) {
    texts_ = std::exchange(ahead_, {});
    ahead_from_ = 0;
    next_ = used_ = 0;
    co_return;
  }
  begin(page_.intersect(store::UidSet{{uid, UINT32_MAX}}));
  if (page_.empty()) co_return;
  auto texts = co_await store_.read(mailbox_, page_, {.per_message = most_, .total = window_});
  if (texts) texts_ = *std::move(texts);
  texts_.through = std::max(texts_.through, uid);
}

async::Task<> ReadAhead::read_on() {
  if (most_ == 0 || texts_.through == UINT32_MAX) co_return;
  auto rest = page_.intersect(store::UidSet{{texts_.through + 1, UINT32_MAX}});
  if (rest.empty()) co_return;
  const auto first = rest.ranges().front().lo;
  auto texts = co_await store_.read(mailbox_, std::move(rest), {.per_message = most_, .total = window_});
  if (!texts) co_return;
  ahead_ = *std::move(texts);
  ahead_from_ = first;
}

const store::StoredText* ReadAhead::get(store::Uid uid) {
  auto& texts = texts_.texts;
  while (next_ < texts.size() && texts[next_].uid < uid) ++next_;
  if (next_ == texts.size() || texts[next_].uid != uid) return nullptr;
  ++used_;
  return &texts[next_];
}

}  // namespace postern::imap
