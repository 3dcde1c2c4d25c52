// SPDX-License-Identifier: Apache-2.0
#include "store/guests.h"

namespace postern::store {

std::shared_ptr<GuestState> GuestTable::enter(Key key) {
  const std::lock_guard lock(mutex_);
  std::erase_if(states_, [](const auto& one) { return one.second.expired(); });
  if (auto known = states_[key].lock()) {
    const std::lock_guard inner(known->mutex);
    if (!known->ended) return known;
  }
  auto fresh = std::make_shared<GuestState>();
  states_[key] = fresh;
  return fresh;
}

void GuestTable::set(Key key, Picture picture) {
  const std::lock_guard lock(mutex_);
  const auto found = states_.find(key);
  const auto state = found == states_.end() ? nullptr : found->second.lock();
  if (!state) return;
  const std::lock_guard inner(state->mutex);
  state->ended = state->ended || !picture.may_read;
  state->seen_each = picture.seen_each;
  state->seen = std::move(picture.seen);
}

std::vector<GuestTable::Key> GuestTable::guests(MailboxId mailbox) {
  std::vector<Key> out;
  const std::lock_guard lock(mutex_);
  for (const auto& [key, state] : states_) {
    if ((mailbox == 0 || key.mailbox == mailbox) && !state.expired()) out.push_back(key);
  }
  return out;
}

SnapshotPtr GuestWatch::latest() const {
  auto base = base_->latest();
  const std::lock_guard lock(mutex_);
  const std::lock_guard state(state_->mutex);
  if (!base || state_->ended) return nullptr;
  if (!state_->seen_each) return base;
  if (base != last_base_) {
    last_ = overlay(*base);
    last_base_ = std::move(base);
  }
  return last_;
}

SnapshotPtr GuestWatch::overlay(const Snapshot& base) const {
  std::unordered_map<const Snapshot::Chunk*, Snapshot::ChunkPtr> before;
  if (last_base_) {
    for (std::size_t i = 0; i < last_base_->chunks().size(); ++i) before[last_base_->chunks()[i].get()] = last_->chunks()[i];
  }
  std::vector<Snapshot::ChunkPtr> chunks;
  for (const auto& chunk : base.chunks()) {
    if (const auto known = before.find(chunk.get()); known != before.end()) {
      chunks.push_back(known->second);
      continue;
    }
    auto mine = std::make_shared<Snapshot::Chunk>(*chunk);
    for (Row& row : *mine) row.flags = (row.flags & ~flag::seen) | (state_->seen.contains(row.uid) ? flag::seen : 0);
    chunks.push_back(std::move(mine));
  }
  auto out = std::make_shared<Snapshot>(base);
  out->set_chunks(std::move(chunks));
  return out;
}

}  // namespace postern::store
