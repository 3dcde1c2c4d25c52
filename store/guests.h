// SPDX-License-Identifier: Apache-2.0
// What open sessions hold of mailboxes that belong to others: the guest's own \Seen where each has their own, and the end of it
// all when the right to read is taken away. GuestWatch lays it over the owner's Watch. All of it is thread-safe.
// Invariant: a change of a guest's \Seen gives the row a new mod-sequence, so a chunk of the owner's snapshot that has not
// changed looks the same to the guest as before.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "store/store.h"

namespace postern::store {

/// One account at one mailbox of another.
struct GuestState {
  mutable std::mutex mutex;
  bool ended = false;
  bool seen_each = false;
  UidSet seen;  ///< where seen_each
};

class GuestTable {
 public:
  struct Key {
    AccountId account = 0;
    MailboxId mailbox = 0;
    auto operator<=>(const Key&) const = default;
  };
  struct Picture {
    bool may_read = false;
    bool seen_each = false;
    UidSet seen;
  };

  /// The living state, or a new one. A later set() replaces what is in it.
  std::shared_ptr<GuestState> enter(Key key);
  /// What is true now; ends the states of guests that may not read. A state that nobody holds is forgotten.
  void set(Key key, Picture picture);
  /// Guests that are there: of this mailbox, or with 0 of all.
  std::vector<Key> guests(MailboxId mailbox);

 private:
  std::mutex mutex_;
  std::map<Key, std::weak_ptr<GuestState>> states_;
};

class GuestWatch final : public Watch {
 public:
  GuestWatch(std::shared_ptr<Watch> base, std::shared_ptr<GuestState> state) : base_(std::move(base)), state_(std::move(state)) {}
  SnapshotPtr latest() const override;
  async::Event& event() override { return base_->event(); }

 private:
  SnapshotPtr overlay(const Snapshot& base) const;

  const std::shared_ptr<Watch> base_;
  const std::shared_ptr<GuestState> state_;
  mutable std::mutex mutex_;
  mutable SnapshotPtr last_base_;  ///< `last_` was made from it
  mutable SnapshotPtr last_;
};

}  // namespace postern::store
