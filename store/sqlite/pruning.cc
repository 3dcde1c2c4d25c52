// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/pruning.h"

#include <algorithm>

namespace postern::store::sqlite {

std::vector<Prune> find_prunes(Database& db, const HistoryLimits& limits, UnixTime now) {
  std::vector<Prune> out;
  auto row =
      db.query("SELECT mailbox, count(*), max(iif(at<?1, modseq, 0)) FROM vanished GROUP BY mailbox", now - limits.keep.count());
  while (row.step()) {
    Prune one{static_cast<MailboxId>(row.integer(0)), row.integer(2)};
    if (row.integer(1) > limits.most_ranges) {
      const auto half = db.integer(0, "SELECT modseq FROM vanished WHERE mailbox=?1 ORDER BY modseq DESC LIMIT 1 OFFSET ?2",
                                   one.mailbox, limits.most_ranges / 2);
      one.floor = std::max(one.floor, half);
    }
    if (one.floor > 0) out.push_back(one);
  }
  return out;
}

bool prune_some(Transaction& tx, const Prune& prune, std::size_t rows) {
  MailboxState* mailbox = tx.mailbox(prune.mailbox);
  if (!mailbox) return false;
  const auto slice_end = tx.db().integer(
      prune.floor, "SELECT modseq FROM vanished WHERE mailbox=?1 ORDER BY modseq LIMIT 1 OFFSET ?2", prune.mailbox, rows);
  const auto through = std::min(slice_end, prune.floor);
  const auto floor = static_cast<ModSeq>(prune.floor);
  if (mailbox->vanished_floor < floor) {
    tx.touch(*mailbox);
    mailbox->vanished_floor = floor;
  }
  tx.db().run("DELETE FROM vanished WHERE mailbox=?1 AND modseq<=?2", prune.mailbox, through);
  return through < prune.floor;
}

Result<> prune_history(const Care& care, const HistoryLimits& limits) {
  const auto prunes = care.read<std::vector<Prune>>(
      [&](Database& db) -> Result<std::vector<Prune>> { return find_prunes(db, limits, care.clock.unix_now()); });
  if (!prunes) return std::unexpected(prunes.error());
  SliceSize slice;
  for (const Prune& prune : *prunes) {
    for (bool more = true; more;) {
      const auto done = write_slice<bool>(
          care, slice, [prune, rows = slice.rows()](Transaction& tx) -> Result<bool> { return prune_some(tx, prune, rows); });
      if (!done) return std::unexpected(done.error());
      more = *done;
    }
  }
  return {};
}

}  // namespace postern::store::sqlite
