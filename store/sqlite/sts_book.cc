// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/sts_book.h"

namespace postern::store::sqlite {

Result<std::vector<StsRow>> SqliteStsBook::recall(std::size_t most) {
  return file_.run_now<std::vector<StsRow>>([most](Database& db) -> Result<std::vector<StsRow>> {
    std::vector<StsRow> out;
    auto row = db.query("SELECT domain, id, text, fetched, expires FROM sts ORDER BY expires DESC, domain LIMIT ?1",
                        static_cast<std::int64_t>(most));
    while (row.step()) {
      StsRow one;
      one.domain = row.text(0);
      one.id = row.text(1);
      one.text = row.text(2);
      one.fetched = row.integer(3);
      one.expires = row.integer(4);
      out.push_back(std::move(one));
    }
    return out;
  });
}

void SqliteStsBook::note(StsRow row) {
  file_.post([row = std::move(row)](Database& db) {
    db.run("INSERT OR REPLACE INTO sts VALUES (?1,?2,?3,?4,?5)", row.domain, row.id, row.text, row.fetched, row.expires);
  });
}

void SqliteStsBook::forget(UnixTime before) {
  file_.post([before](Database& db) { db.run("DELETE FROM sts WHERE expires<?1", before); });
}

}  // namespace postern::store::sqlite
