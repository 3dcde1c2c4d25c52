// SPDX-License-Identifier: Apache-2.0
#include "store/snapshot_edit.h"

#include <algorithm>

namespace postern::store {

SnapshotEdit::SnapshotEdit(const Snapshot& base) : next_(std::make_shared<Snapshot>()) {
  next_->mailbox = base.mailbox;
  next_->uidvalidity = base.uidvalidity;
  next_->uidnext = base.uidnext;
  next_->highest = base.highest;
  next_->recent_uid = base.recent_uid;
  next_->keywords = base.keywords;
  chunks_.assign(base.chunks().begin(), base.chunks().end());
  owned_.resize(chunks_.size());
}

Snapshot::Chunk& SnapshotEdit::own(std::size_t chunk) {
  if (!owned_[chunk]) {
    owned_[chunk] = std::make_shared<Snapshot::Chunk>(*chunks_[chunk]);
    chunks_[chunk] = owned_[chunk];
  }
  return *owned_[chunk];
}

bool SnapshotEdit::put_behind_last(const Row& row) {
  const std::size_t offset = last_.offset + 1;
  if (last_.chunk >= chunks_.size() || !owned_[last_.chunk] || offset >= owned_[last_.chunk]->size()) return false;
  Row& there = (*owned_[last_.chunk])[offset];
  if (there.uid != row.uid) return false;
  last_.offset = offset;
  if (there.modseq <= row.modseq) there = row;
  return true;
}

void SnapshotEdit::put(const Row& row) {
  if (put_behind_last(row)) return;
  const bool at_end = chunks_.empty() || chunks_.back()->back().uid < row.uid;
  if (at_end) {
    if (chunks_.empty() || chunks_.back()->size() >= Snapshot::chunk_rows) {
      owned_.push_back(std::make_shared<Snapshot::Chunk>(1, row));
      chunks_.push_back(owned_.back());
      return;
    }
    own(chunks_.size() - 1).push_back(row);
    return;
  }
  const auto chunk = std::lower_bound(chunks_.begin(), chunks_.end(), row.uid,
                                      [](const Snapshot::ChunkPtr& c, Uid u) { return c->back().uid < u; });
  const auto index = static_cast<std::size_t>(chunk - chunks_.begin());
  const auto& rows = *chunks_[index];
  const auto at = std::lower_bound(rows.begin(), rows.end(), row.uid, [](const Row& r, Uid u) { return r.uid < u; });
  if (at->uid != row.uid || at->modseq > row.modseq) return;
  const auto offset = static_cast<std::size_t>(at - rows.begin());
  own(index)[offset] = row;  // may free `rows`
  last_ = {index, offset};
}

void SnapshotEdit::remove(const UidSet& uids) {
  last_ = {};
  for (std::size_t i = 0; i < chunks_.size();) {
    const auto& rows = *chunks_[i];
    const UidSet here = uids.intersect(UidSet{{rows.front().uid, rows.back().uid}});
    const auto goes = [&here](const Row& row) { return here.contains(row.uid); };
    if (here.empty() || std::none_of(rows.begin(), rows.end(), goes)) {
      ++i;
      continue;
    }
    auto& mine = own(i);
    std::erase_if(mine, goes);
    if (!mine.empty()) {
      ++i;
      continue;
    }
    chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(i));
    owned_.erase(owned_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

SnapshotPtr SnapshotEdit::finish() {
  next_->set_chunks(std::move(chunks_));
  return std::move(next_);
}

}  // namespace postern::store
