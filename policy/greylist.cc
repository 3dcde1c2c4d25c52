// SPDX-License-Identifier: Apache-2.0
#include "policy/greylist.h"

#include <algorithm>

#include "base/content_hash.h"
#include "base/encoding.h"

namespace postern::policy {
namespace {

constexpr UnixTime sweep_every = 3600;

std::string hash_of(const std::string& text) {
  ContentHash hash;
  hash.add(text);
  return hex_encode(hash.finish());
}

std::string network_key(const GreyTriple& triple) { return hash_of("network " + triple.ip.network_key().to_string()); }

std::string triple_key(const GreyTriple& triple) {
  const auto sender = triple.sender ? triple.sender->lookup_key() : std::string();
  return hash_of("triple " + triple.ip.network_key().to_string() + '\n' + sender + '\n' + triple.recipient.lookup_key());
}

}  // namespace

Greylist::Greylist(store::GreyBook* book, std::size_t most_rows) : book_(book), most_rows_(most_rows) {
  if (book_ == nullptr) return;
  auto rows = book_->recall(most_rows_);
  if (!rows) return;
  for (auto& row : *rows) {
    auto key = row.key;
    rows_.emplace(std::move(key), std::move(row));
  }
}

Greylist::State Greylist::judge(const std::string& key, const std::string& network, const GreyLimits& limits,
                                UnixTime now) const {
  const auto whole = rows_.find(network);
  if (limits.network_passes != 0 && whole != rows_.end() && whole->second.passes >= limits.network_passes &&
      whole->second.last + limits.keep > now) {
    return State::known;
  }
  const auto found = rows_.find(key);
  if (found == rows_.end()) return State::wait;
  const auto& row = found->second;
  if (row.passes > 0) return row.last + limits.keep > now ? State::known : State::wait;
  return now - row.first >= limits.delay && now - row.first <= limits.window ? State::known : State::wait;
}

Greylist::State Greylist::look(const GreyTriple& triple, const GreyLimits& limits, UnixTime now) const {
  const std::lock_guard lock(mutex_);
  return judge(triple_key(triple), network_key(triple), limits, now);
}

void Greylist::remember(store::GreyRow row, std::vector<store::GreyRow>& changed) {
  changed.push_back(row);
  rows_[row.key] = std::move(row);
}

void Greylist::make_room(UnixTime before) {
  std::erase_if(rows_, [before](const auto& one) { return one.second.last < before; });
  if (rows_.size() < most_rows_) return;
  // A flood: the half that came longest ago goes.
  std::vector<UnixTime> times;
  times.reserve(rows_.size());
  for (const auto& [key, row] : rows_) times.push_back(row.last);
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::ranges::nth_element(times, middle);
  std::erase_if(rows_, [limit = *middle](const auto& one) { return one.second.last <= limit; });
}

Greylist::State Greylist::see(const GreyTriple& triple, const GreyLimits& limits, UnixTime now) {
  const auto key = triple_key(triple);
  const auto network = network_key(triple);
  std::vector<store::GreyRow> changed;
  const std::lock_guard lock(mutex_);
  const auto state = judge(key, network, limits, now);
  const auto found = rows_.find(key);
  store::GreyRow row = found == rows_.end() ? store::GreyRow{key, now, now, 0} : found->second;
  const bool stale = row.passes == 0 ? now - row.first > limits.window : row.last + limits.keep <= now;
  if (stale) row = {key, now, now, 0};
  row.last = now;
  if (state == State::known && ++row.passes == 1) {
    const auto whole = rows_.find(network);
    store::GreyRow learned = whole == rows_.end() ? store::GreyRow{network, now, now, 0} : whole->second;
    ++learned.passes;
    learned.last = now;
    remember(std::move(learned), changed);
  }
  remember(std::move(row), changed);
  const bool sweep = now >= swept_ + sweep_every;
  if (sweep) swept_ = now;
  if (sweep || rows_.size() >= most_rows_) make_room(now - limits.keep);
  if (book_ != nullptr) book_->note(std::move(changed), sweep ? now - limits.keep : 0);
  return state;
}

std::size_t Greylist::size() const {
  const std::lock_guard lock(mutex_);
  return rows_.size();
}

}  // namespace postern::policy
