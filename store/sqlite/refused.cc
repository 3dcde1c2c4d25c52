// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/refused.h"

#include <fmt/format.h>

#include <string>

namespace postern::store::sqlite {

// The note is text in `sys`: "SEGMENT OFFSET" for each body, one a line.

Result<> note_refused(Database& db, std::span<const Placement> bodies) {
  std::string note;
  for (const Placement& place : bodies) note += fmt::format("{} {}\n", place.segment, place.offset);
  try {
    TransactionGuard guard(db);
    db.run("INSERT OR REPLACE INTO sys(k, v) VALUES ('refused', ?1)", std::string_view(note));
    guard.commit();
    return {};
  } catch (const SqlError& error) {
    return std::unexpected(error.error);
  }
}

std::vector<std::int64_t> take_refused(Database& db) {
  std::vector<std::int64_t> blobs;
  // Split by SQLite, so that a damaged note can only name bodies that do not exist.
  auto row = db.query(
      "WITH RECURSIVE line(head, rest) AS ("
      " SELECT '', v FROM sys WHERE k='refused'"
      " UNION ALL SELECT substr(rest, 1, instr(rest, char(10)) - 1), substr(rest, instr(rest, char(10)) + 1) FROM line"
      " WHERE instr(rest, char(10)) > 0) "
      "SELECT b.id FROM line JOIN blob b ON b.seg = CAST(line.head AS INTEGER)"
      " AND b.off = CAST(substr(line.head, instr(line.head, ' ') + 1) AS INTEGER) WHERE line.head != ''");
  while (row.step()) blobs.push_back(row.integer(0));
  db.run("DELETE FROM sys WHERE k='refused'");
  return blobs;
}

}  // namespace postern::store::sqlite
