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

/// `bind` gives the chosen rows' condition its value.
template <class F>
std::int64_t copy(Database& from, Database& to, const char* table, const std::string& where, F bind) {
  const auto theirs = columns_of(from, table);
  std::string names;
  std::string marks;
  int count = 0;
  for (const auto& name : columns_of(to, table)) {
    if (std::find(theirs.begin(), theirs.end(), name) == theirs.end()) continue;
    names += (count ? "," : "") + name;
    marks += fmt::format("{}?{}", count ? "," : "", count + 1);
    ++count;
  }
  if (count == 0) return 0;
  std::int64_t added = 0;
  auto source = from.assembled(fmt::format("SELECT {} FROM {} {}", names, table, where));
  bind(source);
  while (source.step()) {
    auto target = to.assembled(fmt::format("INSERT OR IGNORE INTO {}({}) VALUES ({})", table, names, marks));
    for (int i = 0; i < count; ++i) target.bind_value_of(i + 1, source, i);
    target.run();
    added += to.changes();
  }
  return added;
}

template <class T>
std::int64_t copy_chosen(Database& from, Database& to, RowChoice choice, const T& value) {
  return copy(from, to, choice.table, fmt::format("WHERE {}=?1", choice.column),
              [&value](Query& source) { source.bind(1, value); });
}

}  // namespace

std::int64_t copy_rows(Database& from, Database& to, RowChoice choice, std::int64_t value) {
  return copy_chosen(from, to, choice, value);
}
std::int64_t copy_rows(Database& from, Database& to, RowChoice choice, const std::string& value) {
  return copy_chosen(from, to, choice, std::string_view(value));
}
std::int64_t copy_all_rows(Database& from, Database& to, const char* table) {
  return copy(from, to, table, {}, [](Query&) {});
}

}  // namespace postern::store::sqlite
