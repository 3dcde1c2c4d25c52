// SPDX-License-Identifier: Apache-2.0
// The feeds that are open, and how word reaches them: a change costs what hears of it, however many others listen. Thread-safe.
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
  /// What has changed: messages alone, or (also) names, subscriptions, rights and annotations.
  enum class Word : bool { messages, structure };

  /// Hears of this account until the last reference goes.
  std::shared_ptr<Feed> open(AccountId account);
  /// Something of these accounts changed; account 0 wakes every feed.
  void publish(std::span<const AccountId> accounts, Word word = Word::structure);

 private:
  class Listener;
  struct Shared {
    std::mutex mutex;
    std::multimap<AccountId, Listener*> listeners;  ///< they take themselves out
  };
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace postern::store
