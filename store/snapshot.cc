// SPDX-License-Identifier: Apache-2.0
// Snapshot look-ups by binary search over chunks, and the difference of two snapshots.
#include "store/snapshot.h"

#include <algorithm>

namespace postern::store {

const Row& Snapshot::row(std::size_t index) const {
  const auto after = std::upper_bound(first_index_.begin(), first_index_.end(), index);
  const auto chunk = static_cast<std::size_t>(after - first_index_.begin()) - 1;
  return (*chunks_[chunk])[index - first_index_[chunk]];
}

std::size_t Snapshot::lower_bound(Uid uid) const {
  const auto chunk =
      std::lower_bound(chunks_.begin(), chunks_.end(), uid, [](const ChunkPtr& c, Uid u) { return c->back().uid < u; });
  if (chunk == chunks_.end()) return total_;
  const auto row = std::lower_bound((*chunk)->begin(), (*chunk)->end(), uid, [](const Row& r, Uid u) { return r.uid < u; });
  return first_index_[static_cast<std::size_t>(chunk - chunks_.begin())] + static_cast<std::size_t>(row - (*chunk)->begin());
}

std::optional<std::size_t> Snapshot::index_of(Uid uid) const {
  const std::size_t index = lower_bound(uid);
  if (index >= total_ || row(index).uid != uid) return std::nullopt;
  return index;
}

void Snapshot::set_chunks(std::vector<ChunkPtr> chunks) {
  chunks_ = std::move(chunks);
  first_index_.clear();
  first_index_.reserve(chunks_.size());
  total_ = 0;
  for (const auto& chunk : chunks_) {
    first_index_.push_back(total_);
    total_ += chunk->size();
  }
}

namespace {

/// A place in a list of chunks.
class Walk {
 public:
  explicit Walk(std::span<const Snapshot::ChunkPtr> chunks) : chunks_(chunks) {}
  bool at_end() const { return chunk_ == chunks_.size(); }
  bool at_chunk_start() const { return offset_ == 0; }
  const Snapshot::ChunkPtr& chunk() const { return chunks_[chunk_]; }
  const Row& row() const { return (*chunks_[chunk_])[offset_]; }
  void next() {
    if (++offset_ == chunks_[chunk_]->size()) next_chunk();
  }
  void next_chunk() {
    ++chunk_;
    offset_ = 0;
  }

 private:
  std::span<const Snapshot::ChunkPtr> chunks_;
  std::size_t chunk_ = 0;
  std::size_t offset_ = 0;
};

}  // namespace

Difference difference(const Snapshot& before, const Snapshot& after) {
  Difference out;
  Walk old_rows(before.chunks());
  Walk new_rows(after.chunks());
  while (!old_rows.at_end() && !new_rows.at_end()) {
    if (old_rows.at_chunk_start() && new_rows.at_chunk_start() && old_rows.chunk() == new_rows.chunk()) {
      old_rows.next_chunk();
      new_rows.next_chunk();
      continue;
    }
    const Row& a = old_rows.row();
    const Row& b = new_rows.row();
    if (a.uid == b.uid) {
      if (a.modseq != b.modseq) out.changed.push_back(b);
      old_rows.next();
      new_rows.next();
    } else if (a.uid < b.uid) {
      out.vanished.add(a.uid);
      old_rows.next();
    } else {
      out.added.push_back(b);
      new_rows.next();
    }
  }
  for (; !old_rows.at_end(); old_rows.next()) out.vanished.add(old_rows.row().uid);
  for (; !new_rows.at_end(); new_rows.next()) out.added.push_back(new_rows.row());
  return out;
}

}  // namespace postern::store
