// SPDX-License-Identifier: Apache-2.0
// The schemas as SQL files embedded in the program, and how a database gets from one version to the next.
#pragma once

#include <filesystem>
#include <span>

#include "base/log.h"
#include "store/sqlite/database.h"

namespace postern::store::sqlite {

/// One SQL script a version; the first makes version 1.
using SchemaSteps = std::span<const char* const>;
SchemaSteps mail_schema();
SchemaSteps auth_schema();
SchemaSteps state_schema();
SchemaSteps trace_schema();

/// Brings the database to the last version, each step in one transaction. An older database is first copied to
/// "<path>.before-<version>". Errors: unsupported when it is newer than the program, corrupt, io, no_space.
Result<> migrate(Database& db, const std::filesystem::path& path, SchemaSteps steps, Log& log);

}  // namespace postern::store::sqlite
