// SPDX-License-Identifier: Apache-2.0
#include "policy/rates.h"

namespace postern::policy {
namespace {

constexpr UnixTime hour_length = 3600;

}  // namespace

Rates::Bucket Rates::moved(Bucket bucket, UnixTime now) {
  const auto hour = now - now % hour_length;
  if (hour == bucket.hour) return bucket;
  const bool next = hour == bucket.hour + hour_length;
  return {hour, 0, next ? bucket.current : 0};
}

std::uint32_t Rates::count(RateOf sort, const std::string& key, UnixTime now) const {
  const std::lock_guard lock(mutex_);
  const auto& keys = keys_[static_cast<std::size_t>(sort)];
  const auto found = keys.find(key);
  if (found == keys.end()) return 0;
  const auto bucket = moved(found->second, now);
  // Of the hour before, the share that lies within the last 60 minutes.
  const auto left = static_cast<std::uint64_t>(hour_length - now % hour_length);
  return bucket.current + static_cast<std::uint32_t>(bucket.before * left / hour_length);
}

void Rates::add(RateOf sort, const std::string& key, UnixTime now) {
  const std::lock_guard lock(mutex_);
  auto& keys = keys_[static_cast<std::size_t>(sort)];
  if (keys.size() >= max_keys && !keys.contains(key)) {
    std::erase_if(keys, [now](const auto& item) { return item.second.hour + 2 * hour_length <= now; });
    if (keys.size() >= max_keys) return;
  }
  auto& bucket = keys[key];
  bucket = moved(bucket, now);
  ++bucket.current;
}

std::size_t Rates::size() const {
  const std::lock_guard lock(mutex_);
  std::size_t sum = 0;
  for (const auto& keys : keys_) sum += keys.size();
  return sum;
}

}  // namespace postern::policy
