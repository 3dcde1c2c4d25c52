// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/cache.h"

#include <algorithm>

#include "store/snapshot_edit.h"

namespace postern::store::sqlite {

namespace {

/// What a cached mailbox costs beside its rows.
constexpr std::size_t entry_overhead = 512;

}  // namespace

std::shared_ptr<WatchState> SnapshotCache::find(AccountId account, MailboxId mailbox) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(mailbox);
  if (it == entries_.end() || !it->second.loaded || it->second.account != account) return nullptr;
  recent_.splice(recent_.begin(), recent_, it->second.place);
  return it->second.watch;
}

void SnapshotCache::begin_load(MailboxId mailbox) {
  const std::lock_guard lock(mutex_);
  auto [it, fresh] = entries_.try_emplace(mailbox);
  if (fresh) it->second.place = recent_.insert(recent_.begin(), mailbox);
  ++it->second.loads;
}

std::shared_ptr<WatchState> SnapshotCache::finish_load(AccountId account, MailboxId mailbox, SnapshotPtr read) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(mailbox);
  if (it == entries_.end()) return nullptr;  // the mailbox was removed meanwhile
  Entry& entry = it->second;
  --entry.loads;
  if (!entry.loaded && read) {
    for (const Update& update : entry.missed) read = apply(*read, update);
    entry.account = account;
    entry.loaded = true;
    entry.missed.clear();
    set(entry, std::move(read));
  }
  if (!entry.loaded && entry.loads == 0) {
    erase(it);
    return nullptr;
  }
  auto watch = entry.loaded && entry.account == account ? entry.watch : nullptr;
  evict();
  return watch;
}

void SnapshotCache::wake(MailboxId mailbox) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(mailbox);
  if (it != entries_.end()) it->second.watch->event().publish();
}

void SnapshotCache::publish(const Transaction& transaction) {
  std::unordered_map<MailboxId, Update> updates;
  const std::lock_guard lock(mutex_);
  if (entries_.empty()) return;
  for (const MailboxState* m : transaction.touched_mailboxes()) {
    if (!entries_.contains(m->id)) continue;
    updates.emplace(m->id, Update{m->uidvalidity, m->uidnext, m->highest, m->recent_uid, m->gone, m->keywords, {}});
  }
  if (updates.empty()) return;
  for (const RowChange& change : transaction.changes()) {
    const auto it = updates.find(change.mailbox);
    if (it != updates.end()) it->second.rows.push_back(change);
  }
  for (auto& [id, update] : updates) take(entries_.find(id), std::move(update));
}

void SnapshotCache::take(Entries::iterator it, Update update) {
  Entry& entry = it->second;
  if (update.gone) {
    entry.watch->close();
    erase(it);
  } else if (entry.loaded) {
    set(entry, apply(*entry.watch->latest(), update));
  } else {
    entry.missed.push_back(std::move(update));
  }
}

SnapshotPtr SnapshotCache::apply(const Snapshot& base, const Update& update) {
  SnapshotEdit edit(base);
  UidSet gone;
  // A UID is never used again, so rows that went can go last.
  for (const RowChange& change : update.rows) {
    if (change.gone) {
      gone.add(change.uids);
    } else {
      edit.put(change.row);
    }
  }
  if (!gone.empty()) edit.remove(gone);
  Snapshot& head = edit.head();
  head.uidnext = std::max(head.uidnext, update.uidnext);
  head.recent_uid = std::max(head.recent_uid, update.recent_uid);
  if (update.highest >= head.highest) {
    head.highest = update.highest;
    head.keywords = *update.keywords;
  }
  return edit.finish();
}

void SnapshotCache::set(Entry& entry, SnapshotPtr snapshot) {
  bytes_ -= entry.bytes;
  entry.bytes = entry_overhead + snapshot->size() * sizeof(Row);
  bytes_ += entry.bytes;
  entry.watch->publish(std::move(snapshot));
}

void SnapshotCache::erase(Entries::iterator it) {
  bytes_ -= it->second.bytes;
  recent_.erase(it->second.place);
  entries_.erase(it);
}

void SnapshotCache::evict() {
  for (auto at = recent_.end(); bytes_ > budget_ && at != recent_.begin();) {
    --at;
    const auto it = entries_.find(*at);
    if (!it->second.loaded || it->second.loads > 0 || it->second.watch.use_count() > 1) continue;
    ++at;
    erase(it);
  }
}

}  // namespace postern::store::sqlite
