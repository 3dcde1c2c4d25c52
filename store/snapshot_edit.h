// SPDX-License-Identifier: Apache-2.0
// SnapshotEdit: makes the next snapshot of a mailbox from the last one, copying only the chunks that change.
// Edits may be repeated without harm: a row that is not there any more is not brought back, and an older row never
// replaces a newer one. So a snapshot read from disk can be brought up to date with changes that it may hold already.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "store/snapshot.h"

namespace postern::store {

class SnapshotEdit {
 public:
  explicit SnapshotEdit(const Snapshot& base);

  /// Replaces the row with this UID, or appends it when its UID is above all others; otherwise it has gone since.
  void put(const Row& row);
  void remove(const UidSet& uids);
  /// What is not in the rows: uidnext, highest, recent_uid, keywords. May be changed until finish().
  Snapshot& head() { return *next_; }
  /// Ends the edit; call once.
  SnapshotPtr finish();

 private:
  Snapshot::Chunk& own(std::size_t chunk);
  /// Where a change of many messages goes on: the row behind the one that was put last. False when it is another.
  bool put_behind_last(const Row& row);

  std::shared_ptr<Snapshot> next_;
  std::vector<Snapshot::ChunkPtr> chunks_;
  std::vector<std::shared_ptr<Snapshot::Chunk>> owned_;  ///< per chunk: our copy, or null while it is shared
  struct Place {
    std::size_t chunk = SIZE_MAX;
    std::size_t offset = 0;
  };
  Place last_;  ///< of the row that was replaced last
};

}  // namespace postern::store
