// SPDX-License-Identifier: Apache-2.0
// WatchState: the Watch that both implementations hand out. One for each cached mailbox, shared by all who opened it.
// Invariant: latest() never goes back; after close() it stays null.
#pragma once

#include <mutex>

#include "store/store.h"

namespace postern::store {

class WatchState final : public Watch {
 public:
  SnapshotPtr latest() const override {
    const std::lock_guard lock(mutex_);
    return latest_;
  }
  async::Event& event() override { return event_; }

  /// Makes the snapshot the newest one and wakes all waiters.
  void publish(SnapshotPtr snapshot) {
    {
      const std::lock_guard lock(mutex_);
      latest_ = std::move(snapshot);
    }
    event_.publish();
  }
  /// The mailbox was deleted.
  void close() { publish(nullptr); }

 private:
  mutable std::mutex mutex_;
  SnapshotPtr latest_;
  async::Event event_;
};

}  // namespace postern::store
