// SPDX-License-Identifier: Apache-2.0
// Rates: how many recipients an hour each address, network, sender's domain and recipient of ours has had. A sliding hour of two
// buckets; bounded, and a flood of keys of one sort does not push out those of another. In memory only: a restart forgives.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"

namespace postern::policy {

enum class RateOf : std::uint8_t { address, network, sender_domain, recipient };
inline constexpr std::size_t rate_sorts = 4;

/// Thread-safe.
class Rates {
 public:
  /// Most keys of one sort.
  static constexpr std::size_t max_keys = 65'536;

  /// How many in the hour before `now`.
  std::uint32_t count(RateOf sort, const std::string& key, UnixTime now) const;
  /// One more. When there are too many keys, those whose hour is over go; if none is, the new key is not counted.
  void add(RateOf sort, const std::string& key, UnixTime now);
  std::size_t size() const;

 private:
  struct Bucket {
    UnixTime hour = 0;  ///< when `current` began
    std::uint32_t current = 0;
    std::uint32_t before = 0;
  };
  static Bucket moved(Bucket bucket, UnixTime now);
  mutable std::mutex mutex_;
  std::array<std::map<std::string, Bucket>, rate_sorts> keys_;
};

}  // namespace postern::policy
