// SPDX-License-Identifier: Apache-2.0
// Rows of trace.db as events.
#pragma once

#include "store/sqlite/database.h"
#include "store/trace_book.h"

namespace postern::store::sqlite {

/// The details as trace.db keeps them, up to trace_event_max octets.
std::string write_details(const TraceEvent& event);
/// Of a row with id, at, message, kind, detail.
TraceEvent read_event(Query& row);

}  // namespace postern::store::sqlite
