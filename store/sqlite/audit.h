// SPDX-License-Identifier: Apache-2.0
// What foreign keys would check if the writer could afford them: counters, references, rows that belong together.
#pragma once

#include <string>
#include <vector>

#include "store/sqlite/database.h"

namespace postern::store::sqlite {

/// One line a finding. Reads every index row once.
std::vector<std::string> audit(Database& db);

}  // namespace postern::store::sqlite
