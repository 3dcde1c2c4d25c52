// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/grey_book.h"

namespace postern::store::sqlite {

Result<std::vector<GreyRow>> SqliteGreyBook::recall(std::size_t most) {
  return file_.run_now<std::vector<GreyRow>>([most](Database& db) -> Result<std::vector<GreyRow>> {
    std::vector<GreyRow> out;
    auto row =
        db.query("SELECT key, first, last, passes FROM grey ORDER BY last DESC, key LIMIT ?1", static_cast<std::int64_t>(most));
    while (row.step()) {
      GreyRow one;
      one.key = row.text(0);
      one.first = row.integer(1);
      one.last = row.integer(2);
      one.passes = row.unsigned_integer(3);
      out.push_back(std::move(one));
    }
    return out;
  });
}

void SqliteGreyBook::note(std::vector<GreyRow> rows, UnixTime before) {
  file_.post([rows = std::move(rows), before](Database& db) {
    for (const auto& one : rows)
      db.run("INSERT OR REPLACE INTO grey VALUES (?1,?2,?3,?4)", one.key, one.first, one.last, one.passes);
    if (before != 0) db.run("DELETE FROM grey WHERE last<?1", before);
  });
}

}  // namespace postern::store::sqlite
