// SPDX-License-Identifier: Apache-2.0
// Reading stored bodies. A small body is read whole and its checksum verified before the reader is handed out, in the same
// visit to the lane that found it; a large one is read in pieces, and when it is not compressed in frames of their own it is
// verified when it was read from start to end.
#pragma once

#include <memory>
#include <string>

#include "store/sqlite/lane.h"
#include "store/sqlite/stored_body.h"

namespace postern::store::sqlite {

struct Location {
  Placement place;
  std::string prefix;
  /// Octets of the message: RFC822.SIZE.
  std::uint64_t size() const { return prefix.size() + place.original; }
};
/// By queue entry or by rowid of `message`; nothing when there is none.
std::optional<Location> locate_queued(Database& db, std::uint64_t queue);
std::optional<Location> locate_message(Database& db, std::int64_t message);
/// Expunged at this time or later.
std::optional<Location> locate_expunged(Database& db, std::int64_t message, std::int64_t expunged_since);

/// Of a row with the columns id of the message, psize, and seg, off, len, codec, sum, osize of its blob.
Location location_in(Database& db, Query& row);
/// By a blob that `message` refers to.
std::optional<Location> locate_blob(Database& db, std::int64_t message, std::int64_t blob);

/// Up to `most` octets of the message from its first one. A small body is verified. Errors: corrupt, io.
Result<std::string> read_start(SegmentFolder& folder, const Location& location, std::uint64_t most);
/// On the thread of a lane; pieces of large bodies are read on `long_lane`. Errors: corrupt, io.
Result<std::unique_ptr<BodyReader>> open_body(SegmentFolder& folder, Lane& long_lane, Location location);

}  // namespace postern::store::sqlite
