// SPDX-License-Identifier: Apache-2.0
// Pins: a backup that mentions a segment file holds it. A pinned file stays in the folder although no living body is in it any
// more (compaction, reaping); housekeeping removes it when the last pin has ended (storage.md §6: "compaction must keep replaced
// segments until the newest retained snapshot no longer mentions them").
// Invariant: a pin never outlives `until`, so that a forgotten holder costs disk space for a limited time only.
#pragma once

#include <string_view>

#include "store/sqlite/transaction.h"

namespace postern::store::sqlite {

/// Pins every segment that the index knows now, the active one too, for it will be sealed one day. Call it in the
/// command that stands for the moment of the snapshot. Pins the holder had before stay where they reach further.
void pin_segments(Transaction& tx, std::string_view holder, UnixTime until);
/// Ends all pins of the holder.
void unpin_segments(Transaction& tx, std::string_view holder);
/// True while somebody holds the segment.
bool is_pinned(Database& db, SegmentId segment, UnixTime now);

}  // namespace postern::store::sqlite
