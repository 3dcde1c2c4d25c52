// SPDX-License-Identifier: Apache-2.0
// Opens trace.db (store/trace_book.h) in a data folder whose lock the caller holds through the open store. Never fails: what is
// wrong with the file is logged, and the book starts empty.
#pragma once

#include <filesystem>
#include <memory>

#include "store/sqlite/open.h"
#include "store/trace_book.h"

namespace postern::store::sqlite {

/// Events that may wait to be written; more are dropped.
inline constexpr std::size_t trace_waiting_max = 8192;
/// Octets of one event's details; more are cut off.
inline constexpr std::size_t trace_event_max = 16 * 1024;

std::unique_ptr<TraceBook> open_trace_book(const std::filesystem::path& folder, const TraceLimits& limits,
                                           const Surroundings& around);

}  // namespace postern::store::sqlite
