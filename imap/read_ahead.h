// SPDX-License-Identifier: Apache-2.0
// ReadAhead: the first octets of the messages of a page, loaded for many messages in one visit to the store, in the order in
// which they are needed. What it does not have is read through Message, one by one.
#pragma once

#include <vector>

#include "async/task.h"
#include "store/store.h"

namespace postern::imap {

class ReadAhead {
 public:
  enum class Use : std::uint8_t { all, some };  ///< whether every message of a page will be asked for

  /// `per_message`: octets wanted of each; 0 loads nothing.
  ReadAhead(store::Session& store, store::MailboxId mailbox, std::uint64_t per_message, Use use);

  /// The UIDs that may be asked for next, ascending; empty: nothing will be loaded.
  void begin(store::UidSet page);
  /// Whether get() may be asked without load().
  bool knows(store::Uid uid) const { return most_ == 0 || uid <= texts_.through; }
  /// Loads this message and some that follow it. What fails is not there afterwards.
  async::Task<> load(store::Uid uid);
  /// Reads what follows the octets that are there, for the next load(), which then takes no time. Meanwhile get() may be used.
  async::Task<> read_on();
  /// Null when there is nothing of it. Good until the next load() or begin(). UIDs must not go down.
  const store::StoredText* get(store::Uid uid);

 private:
  store::Session& store_;
  const store::MailboxId mailbox_;
  const std::uint64_t most_;
  const Use use_;
  std::uint64_t window_;  ///< octets of the next visit
  store::UidSet page_;
  store::ReadTexts texts_;
  store::ReadTexts ahead_;     ///< read by read_on()
  store::Uid ahead_from_ = 0;  ///< the first UID of it; 0: nothing
  std::size_t next_ = 0;       ///< first text not yet passed by get()
  std::size_t used_ = 0;
};

}  // namespace postern::imap
