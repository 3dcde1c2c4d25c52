// SPDX-License-Identifier: Apache-2.0
// BigCopy: COPY and MOVE of any size (design.md §7). Up to single_rows rows it is one transaction; more are copied in slices, so
// that others write between them, and a row of `copying` is the journal.
//
// While slices run, the copies lie behind the destination's UIDNEXT, where nobody looks, and commands that would change the
// destination wait (for MOVE the source too: a message is in exactly one mailbox at every instant). The last slice publishes
// all copies at once, for MOVE in the same transaction that takes the rows out of the source.
//
//   crash before the first slice is durable   nothing happened
//   crash between slices                      open() takes the copies back: undo_copies()
//   crash after the last slice is durable     done
#pragma once

#include <map>
#include <optional>

#include "store/sqlite/messages.h"

namespace postern::store::sqlite {

/// The plain functions below run on the writer's thread.
class BigCopy {
 public:
  static constexpr std::size_t single_rows = 20'000;
  /// Rows copied by one visit: about 3 ms.
  static constexpr std::size_t slice_rows = 1000;

  struct Order {
    AccountId account = 0;
    MailboxId from = 0;
    UidSet uids;
    MailboxId to = 0;
    CopyMode mode = CopyMode::copy;
  };
  explicit BigCopy(Order order) : order_(std::move(order)) {}

  /// One visit; nothing while there is more to do. Errors: not_found, over_quota, limit. A visit that gives an error has changed
  /// nothing. It may be repeated after its transaction was rolled back.
  std::optional<Result<Copied>> step(Transaction& tx);
  /// One visit that takes back what earlier ones did; gives the error when all is undone.
  std::optional<Result<Copied>> undo_step(Transaction& tx, const Error& error);

 private:
  struct Progress {
    Uid first = 0;  ///< of the copies
    Uid next = 0;   ///< for the next copy
    Uid after = 0;  ///< source rows up to this one are copied
    Uid end = 0;    ///< source rows from here on are not part of it
  };
  std::optional<Result<Copied>> visit(Transaction& tx);
  std::optional<Result<Copied>> begin(Transaction& tx, MailboxState& from, MailboxState& to);
  std::optional<Progress> read_progress(Transaction& tx) const;
  bool copy_slice(Transaction& tx, const Progress& progress);
  Result<Copied> finish(Transaction& tx, const Progress& progress);

  const Order order_;
  std::map<Uid, UidSet> copied_;  ///< source rows of each slice, by the UID of its first copy
};

/// At start-up: takes back every copy whose operation has not ended. Gives how many messages that were.
std::size_t undo_copies(Transaction& tx);

}  // namespace postern::store::sqlite
