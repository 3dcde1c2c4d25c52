// SPDX-License-Identifier: Apache-2.0
// Snapshot: one mailbox at one moment, immutable and shared by all sessions on it. Rows lie in UID order in chunks of
// 4,096 that later snapshots share, so that one flag change copies one chunk, and a view finds what changed by comparing
// chunk pointers (design.md §7).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/ids.h"

namespace postern::store {

struct Row {
  Uid uid = 0;
  std::uint32_t size_hint = 0;  ///< RFC822.SIZE when below 2^32-1, else UINT32_MAX (ask info() for the exact size)
  std::uint64_t flags = 0;
  ModSeq modseq = 0;
};

class Snapshot {
 public:
  static constexpr std::size_t chunk_rows = 4096;
  using Chunk = std::vector<Row>;
  using ChunkPtr = std::shared_ptr<const Chunk>;

  MailboxId mailbox = 0;
  std::uint32_t uidvalidity = 0;
  Uid uidnext = 1;
  ModSeq highest = 1;
  Uid recent_uid = 0;                 ///< messages with a UID above were never announced to a session as \Recent
  std::vector<std::string> keywords;  ///< name of flag bit 8 + index; "" for a free bit

  std::size_t size() const { return total_; }
  /// Row by index 0 … size()-1; a sequence number is index + 1.
  const Row& row(std::size_t index) const;
  /// Index of this UID, or nothing.
  std::optional<std::size_t> index_of(Uid uid) const;
  /// Index of the first row with uid >= this; size() when there is none.
  std::size_t lower_bound(Uid uid) const;
  std::span<const ChunkPtr> chunks() const { return chunks_; }

  /// Rebuilds the chunk table; each chunk non-empty, at most chunk_rows long, UIDs ascending throughout.
  void set_chunks(std::vector<ChunkPtr> chunks);

 private:
  std::vector<ChunkPtr> chunks_;
  std::vector<std::size_t> first_index_;  ///< index of each chunk's first row
  std::size_t total_ = 0;
};

using SnapshotPtr = std::shared_ptr<const Snapshot>;

/// What differs between two snapshots of one mailbox.
struct Difference {
  UidSet vanished;           ///< in `before`, not in `after`
  std::vector<Row> changed;  ///< in both, modseq differs
  std::vector<Row> added;    ///< only in `after`
};
/// Linear in the chunks that differ; chunks shared by both cost nothing.
Difference difference(const Snapshot& before, const Snapshot& after);

}  // namespace postern::store
