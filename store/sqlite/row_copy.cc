// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/row_copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace postern::store::sqlite {

namespace {

std::vector<std::string> columns_of(Database& db, const char* table) {
  std::vector<std::string> out;
  auto row = db.query("SELECT name FROM pragma_table_info(?1) ORDER BY cid", std::string_view(table));
  while (row.step()) out.emplace_back(row.text(0));
  return out;
}

template <class T>
std::int64_t copy(Database& from, Database& to, RowChoice choice, const T& value) {
  const auto theirs = columns_of(from, choice.table);
  std::string names;
  std::string marks;
  int count = 0;
  for (const auto& name : columns_of(to, choice.table)) {
    if (std::find(theirs.begin(), theirs.end(), name) == theirs.end()) continue;
    names += (count ? "," : "") + name;
    marks += fmt::format("{}?{}", count ? "," : "", count + 1);
    ++count;
  }
  if (count == 0) return 0;
  std::int64_t added = 0;
  auto source = from.assembled(fmt::format("SELECT {} FROM {} WHERE {}=?1", names, choice.table, choice.column));
  source.bind(1, value);
  while (source.step()) {
    auto target = to.assembled(fmt::format("INSERT OR IGNORE INTO {}({}) VALUES ({})", choice.table, names, marks));
    for (int i = 0; i < count; ++i) target.bind_value_of(i + 1, source, i);
    target.run();
    added += to.changes();
  }
  return added;
}

}  // namespace

std::int64_t copy_rows(Database& from, Database& to, RowChoice choice, std::int64_t value) {
  return copy(from, to, choice, value);
}
std::int64_t copy_rows(Database& from, Database& to, RowChoice choice, const std::string& value) {
  return copy(from, to, choice, std::string_view(value));
}

}  // namespace postern::store::sqlite
