// SPDX-License-Identifier: Apache-2.0
// Copies rows between two databases of the same schema, by the columns that both have, so that a restore of an account follows
// the schema by itself.
#pragma once

#include <string>

#include "store/sqlite/database.h"

namespace postern::store::sqlite {

/// A table of ours and the column that chooses.
struct RowChoice {
  const char* table;
  const char* column;
};
/// Rows whose column has the value; those that are there already stay as they are. Gives how many were added. Throws SqlError.
std::int64_t copy_rows(Database& from, Database& to, RowChoice choice, std::int64_t value);
std::int64_t copy_rows(Database& from, Database& to, RowChoice choice, const std::string& value);
/// The whole table.
std::int64_t copy_all_rows(Database& from, Database& to, const char* table);

}  // namespace postern::store::sqlite
