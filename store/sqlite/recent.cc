// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/recent.h"

#include <algorithm>

namespace postern::store::sqlite {

std::optional<Uid> RecentTable::take(MailboxId mailbox, const Watch& watch) {
  // The snapshot is fetched under the lock: once written() has dropped an entry, the snapshot has it.
  const std::lock_guard lock(mutex_);
  const auto snapshot = watch.latest();
  if (!snapshot) return std::nullopt;
  const auto known = ahead_.find(mailbox);
  const Uid before = known == ahead_.end() ? snapshot->recent_uid : std::max(known->second, snapshot->recent_uid);
  if (snapshot->uidnext - 1 > before) ahead_[mailbox] = snapshot->uidnext - 1;
  return before;
}

Uid RecentTable::ahead(MailboxId mailbox) const {
  const std::lock_guard lock(mutex_);
  const auto known = ahead_.find(mailbox);
  return known == ahead_.end() ? 0 : known->second;
}

bool RecentTable::empty() const {
  const std::lock_guard lock(mutex_);
  return ahead_.empty();
}

void RecentTable::write(Transaction& transaction) {
  const std::lock_guard lock(mutex_);
  std::erase_if(ahead_, [&](const auto& entry) {
    MailboxState* mailbox = transaction.mailbox(entry.first);
    if (!mailbox) return true;
    if (mailbox->frozen) return false;  // with a later batch
    transaction.touch(*mailbox);
    mailbox->recent_uid = std::max(mailbox->recent_uid, entry.second);
    return false;
  });
}

void RecentTable::written(const Transaction& transaction) {
  const std::lock_guard lock(mutex_);
  if (ahead_.empty()) return;
  for (const MailboxState* mailbox : transaction.touched_mailboxes()) {
    const auto known = ahead_.find(mailbox->id);
    if (known != ahead_.end() && known->second <= mailbox->recent_uid) ahead_.erase(known);
  }
}

}  // namespace postern::store::sqlite
