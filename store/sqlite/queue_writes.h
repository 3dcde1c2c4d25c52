// SPDX-License-Identifier: Apache-2.0
// Writes and reads of the outbound queue: plain functions, run by the writer (Transaction) or a reader lane (Database).
#pragma once

#include "store/queue_clock.h"
#include "store/sqlite/transaction.h"

namespace postern::store::sqlite {

QueueId enqueue(Transaction& tx, const QueueEntry& entry, std::int64_t blob, std::uint64_t body_size);

struct ClaimOrder {
  std::size_t most = 0;
  std::chrono::seconds lease{};
  std::vector<std::string> busy;
  UnixTime trusted = 0;  ///< nothing that comes due later (QueueClock::trust_until)
};
Result<std::vector<Claim>> claim(Transaction& tx, const ClaimOrder& order);
Result<> report(Transaction& tx, const std::vector<Attempt>& attempts);
Result<std::size_t> order(Transaction& tx, const QueueFilter& filter, QueueOrder order);
/// store/queue_clock.h; recipients that moved.
Result<std::size_t> follow_clock(Transaction& tx, const ClockJump& jump);

std::vector<QueueEntry> list_queue(Database& db, const QueueFilter& filter);
std::optional<UnixTime> next_due(Database& db);
std::size_t queue_depth(Database& db);

}  // namespace postern::store::sqlite
