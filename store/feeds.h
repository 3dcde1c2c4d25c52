// SPDX-License-Identifier: Apache-2.0
// The feeds that are open, and how word reaches them. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "store/sharing.h"

namespace postern::store {

class FeedTable {
 public:
  /// Hears of this account until the last reference goes.
  std::shared_ptr<Feed> open(AccountId account);
  /// Something of these accounts changed; account 0 wakes every feed.
  void publish(std::span<const AccountId> accounts);

 private:
  class Listener;
  struct Shared {
    std::mutex mutex;
    std::multimap<AccountId, std::weak_ptr<Listener>> listeners;
  };
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace postern::store
