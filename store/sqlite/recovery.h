// SPDX-License-Identifier: Apache-2.0
// What open() does before anybody may write: verifies what a power cut may have torn, cuts the tail of the active segment, and
// removes files that no row knows (storage.md §5; the crash table stands above writer.cc).
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "store/sqlite/database.h"
#include "store/sqlite/segments.h"

namespace postern::store::sqlite {

struct Recovered {
  ActiveSegment::Position end;     ///< segment 0: there is none to go on with
  std::size_t dropped_bodies = 0;  ///< never acknowledged
  std::size_t removed_files = 0;
};
Result<Recovered> recover(Database& db, SegmentFolder& folder, const Clock& clock, Log& log);

}  // namespace postern::store::sqlite
