// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/pins.h"

namespace postern::store::sqlite {

void pin_segments(Transaction& tx, std::string_view holder, UnixTime until) {
  tx.db().run(
      "INSERT INTO pin(segment, holder, until) SELECT id, ?1, ?2 FROM segment WHERE true "
      "ON CONFLICT(segment, holder) DO UPDATE SET until=max(until, excluded.until)",
      holder, until);
}

void unpin_segments(Transaction& tx, std::string_view holder) { tx.db().run("DELETE FROM pin WHERE holder=?1", holder); }

bool is_pinned(Database& db, SegmentId segment, UnixTime now) {
  return db.integer(0, "SELECT 1 FROM pin WHERE segment=?1 AND until>?2 LIMIT 1", segment, now) != 0;
}

}  // namespace postern::store::sqlite
