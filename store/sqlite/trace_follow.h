// SPDX-License-Identifier: Apache-2.0
// What became of a message after it was delivered: the events of its mailboxes that touched it, from place to place.
#pragma once

#include <vector>

#include "store/sqlite/database.h"
#include "store/trace_book.h"

namespace postern::store::sqlite {

/// Adds moves, copies and deletions of the story's message to `events`, in order, up to `most` events together. Reads at most a
/// bounded number of events and follows a bounded number of copies. May throw SqlError.
void follow(Database& db, std::vector<TraceEvent>& events, std::size_t most);

}  // namespace postern::store::sqlite
