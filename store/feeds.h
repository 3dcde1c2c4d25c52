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
  /// Hears of this account until the last reference goes.
  std::shared_ptr<Feed> open(AccountId account);
  /// A mailbox whose messages changed.
  struct Touched {
    AccountId account = 0;
    MailboxId mailbox = 0;
  };

  /// Something of these accounts changed that is more than messages; account 0 wakes every feed.
  void publish(std::span<const AccountId> accounts);
  /// Messages changed.
  void publish_messages(std::span<const Touched> touched);

 private:
  class Listener;
  struct Shared {
    std::mutex mutex;
    std::multimap<AccountId, Listener*> listeners;  ///< they take themselves out
  };
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace postern::store
