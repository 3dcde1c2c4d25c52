// SPDX-License-Identifier: Apache-2.0
// Compaction: rewrites a sealed segment that is mostly dead. Living records are copied to a new file at a limited rate; then the
// blob rows move over in short commands; then the old file goes (or stays retired while a backup pins it).
//
//   step                                what a crash leaves, and what becomes of it
//   C1 new file made, being filled      a file that no row knows: open() removes it.
//   C2 new file whole and synced        the same.
//   C3 row of the new segment           a segment without bodies: open() removes it.
//   C4 some rows moved                  both files are right: each row points at a synced record. The next round goes on.
//   C5 all rows moved                   the old file is removed with its row, or retired, in the same command as the last move.
//
// Contract: a record whose header or checksum is wrong is reported and left where it is, and its segment with it. Readers that
// have the old file open go on reading; one that looked a row up before the move asks again when the file is gone.
#pragma once

#include <functional>
#include <vector>

#include "store/sqlite/care.h"
#include "store/sqlite/segment_walk.h"

namespace postern::store::sqlite {

/// A segment with dead bytes.
struct Candidate {
  SegmentId id = 0;
  std::uint64_t bytes = 0;
  std::uint64_t dead = 0;
};
/// Sealed segments of many records with at least so many percent (and one octet) dead, those with most dead bytes first.
std::vector<Candidate> candidates(Database& db, unsigned percent);

struct Compacted {
  SegmentId to = 0;  ///< 0: nothing was alive, or nothing could be copied
  std::uint64_t records = 0;
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;
  std::vector<Finding> damaged;
};

class Compaction {
 public:
  /// Told now and then: octets copied, of so many.
  using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;
  Compaction(const Care& care, SegmentId from, Progress progress) : care_(care), from_(from), progress_(std::move(progress)) {}
  /// Errors: not_found, invalid (active, or one large body), no_space (before or while copying), closed (stopped), io. After an
  /// error nothing is lost and nothing is left that the next start does not find.
  Result<Compacted> run();

 private:
  struct Living {
    std::int64_t blob = 0;
    std::uint64_t from = 0;  ///< offset of the body
    std::uint64_t length = 0;
    std::uint64_t sum = 0;
    std::uint64_t to = 0;  ///< in the new file; 0: not copied
  };
  class Target;

  Result<> plan();
  Result<> copy(Target& target);
  Result<> copy_record(Target& target, RecordWalk& walk, SegmentReader& reader, Living& one);
  Result<> announce(Target& target);
  Result<> move_rows();
  void move_some(Transaction& tx, std::span<const Living> some) const;
  Result<> finish();
  void report_damage(const Living& one, std::string_view what);

  const Care& care_;
  const SegmentId from_;
  const Progress progress_;
  std::vector<Living> living_;
  std::uint64_t living_bytes_ = 0;
  Compacted out_;
};

}  // namespace postern::store::sqlite
