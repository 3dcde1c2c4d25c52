// SPDX-License-Identifier: Apache-2.0
// Looking inside, for people: sizes and counts of the whole store, the rows of one account, mailbox or message, the record at a
// place of a segment file. Reads only. Credentials are not in mail.db, so nothing here is secret; but it is people's mail.
#pragma once

#include "store/sqlite/database.h"
#include "store/sqlite/segments.h"
#include "store/upkeep.h"

namespace postern::store::sqlite {

/// Everything that the index and the folder tell; space and times of the audit are the caller's.
Result<StoreInfo> read_store_info(Database& db, const std::filesystem::path& folder);
/// Errors: not_found, invalid (nothing was asked for).
Result<std::vector<DumpRow>> dump_rows(Database& db, const DumpOrder& order);
/// Header, arrival text and check of the record whose body begins there, and what the index says about it. Errors: not_found (no
/// such file or no record there).
Result<std::vector<DumpRow>> dump_record(Database& db, SegmentFolder& folder, const DumpOrder& order);

}  // namespace postern::store::sqlite
