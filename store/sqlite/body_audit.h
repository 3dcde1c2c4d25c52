// SPDX-License-Identifier: Apache-2.0
// BodyAudit: reads stored bodies and compares them with their checksums, segment by segment and at a limited rate. Each night it
// takes those segments that were not read for longest, so many octets that everything is read within the period. On the way it
// counts the octets of records nobody refers to, which is what `segment.dead` should say.
// segment.verified: when all bodies of the segment were read and found well; 0 never, -1 damage was found last time.
#pragma once

#include <functional>

#include "store/sqlite/audit.h"
#include "store/sqlite/care.h"
#include "store/sqlite/segment_walk.h"

namespace postern::store::sqlite {

struct BodyCounts {
  std::uint64_t bodies = 0;
  std::uint64_t bytes = 0;
  std::uint64_t segments = 0;
};

class BodyAudit {
 public:
  struct Orders {
    /// Octets tonight; segments with known damage do not count. 0: everything.
    std::uint64_t share = 0;
    std::function<void(Discrepancy)> found;
    /// Octets read, of so many.
    std::function<void(std::uint64_t done, std::uint64_t total)> progress;
  };
  BodyAudit(const Care& care, Orders orders) : care_(care), orders_(std::move(orders)) {}
  /// Errors: closed (stopped), those of SQLite. Damage is a finding, not an error.
  Result<BodyCounts> run();

 private:
  struct Target {
    SegmentId id = 0;
    bool single = false;
    bool sealed = true;
    std::uint64_t bytes = 0;
    std::int64_t dead = 0;
    std::int64_t verified = 0;
  };
  struct Body {
    std::int64_t id = 0;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::uint64_t sum = 0;
  };
  Result<std::vector<Target>> choose() const;
  Result<> check(const Target& target);
  Result<> check_shared(const Target& target, SegmentReader& reader, const std::vector<Body>& bodies);
  Result<> check_single(const Target& target, SegmentReader& reader, const std::vector<Body>& bodies);
  Result<> check_record(const Target& target, SegmentReader& reader, RecordWalk& walk, const Body& body);
  Result<> count_dead(const Target& target, SegmentReader& reader, RecordWalk& walk, const std::vector<Body>& bodies);
  Result<> damaged(const Target& target, const Body& body, std::string_view what);
  Result<> remember(const Target& target);
  void tell(std::uint64_t reader_bytes);

  const Care& care_;
  const Orders orders_;
  BodyCounts counts_;
  std::uint64_t total_ = 0;
  std::size_t damaged_here_ = 0;
};

}  // namespace postern::store::sqlite
