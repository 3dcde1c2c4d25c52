// SPDX-License-Identifier: Apache-2.0
// What was refused stays refused. A batch whose COMMIT succeeded while the sync of its bodies failed has rows that the next start
// would find whole, when only the sync and not the pages were lost: the sender was told 451, sent again, and has two copies.
// So the writer, which will write nothing more, notes the bodies of that batch, and recovery drops them whatever they look like.
// (When COMMIT itself fails, TransactionGuard::commit() sees to it.)
#pragma once

#include <span>
#include <vector>

#include "store/sqlite/database.h"
#include "store/sqlite/segments.h"

namespace postern::store::sqlite {

/// In a transaction of its own. Errors: those of the disk; then the next start decides by checksum alone.
Result<> note_refused(Database& db, std::span<const Placement> bodies);
/// Ids of the blobs that were noted; the note is gone afterwards. Runs in the caller's transaction.
std::vector<std::int64_t> take_refused(Database& db);

}  // namespace postern::store::sqlite
