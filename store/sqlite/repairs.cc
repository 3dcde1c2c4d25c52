// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/repairs.h"

#include <algorithm>

namespace postern::store::sqlite {

namespace {

void add_to(std::uint64_t& counter, std::int64_t by) {
  const auto sum = static_cast<std::int64_t>(counter) + by;
  counter = sum < 0 ? 0 : static_cast<std::uint64_t>(sum);
}

bool mend_mailbox(Transaction& tx, const Discrepancy& what) {
  MailboxState* mailbox = tx.mailbox(static_cast<MailboxId>(what.id));
  if (!mailbox) return false;
  tx.touch(*mailbox);
  if (what.repair == Repair::mailbox_bounds) {
    mailbox->uidnext = std::max(mailbox->uidnext, static_cast<Uid>(what.by[0]));
    mailbox->highest = std::max(mailbox->highest, static_cast<ModSeq>(what.by[1]));
    return true;
  }
  add_to(mailbox->messages, what.by[0]);
  add_to(mailbox->unseen, what.by[1]);
  add_to(mailbox->deleted, what.by[2]);
  add_to(mailbox->bytes, what.by[3]);
  return true;
}

bool mend_account(Transaction& tx, const Discrepancy& what) {
  AccountState* account = tx.account(static_cast<AccountId>(what.id));
  if (!account) return false;
  tx.charge(*account, what.by[0], what.by[1]);
  return true;
}

bool mend_references(Transaction& tx, const Discrepancy& what) {
  if (tx.db().run("UPDATE blob SET refs=refs+?2 WHERE id=?1", what.id, what.by[0]) == 0) return false;
  tx.release_blob(what.id, 0);
  return true;
}

bool mend_segment(Transaction& tx, const Discrepancy& what) {
  Database& db = tx.db();
  switch (what.repair) {
    case Repair::segment_dead: return db.run("UPDATE segment SET dead=dead+?2 WHERE id=?1", what.id, what.by[0]) > 0;
    case Repair::segment_bytes: return db.run("UPDATE segment SET bytes=?2 WHERE id=?1 AND state!=0", what.id, what.by[0]) > 0;
    case Repair::segment_alive: return db.run("UPDATE segment SET state=1 WHERE id=?1 AND state=2", what.id) > 0;
    case Repair::stray_file:
      if (db.integer(0, "SELECT 1 FROM segment WHERE id=?1", what.id) != 0) return false;
      tx.drop_file(static_cast<SegmentId>(what.id));
      return true;
    default: tx.drop_if_empty(static_cast<SegmentId>(what.id)); return true;
  }
}

bool forget_rights(Database& db, std::int64_t account) {
  return db.run("DELETE FROM group_member WHERE account=?1", account) + db.run("DELETE FROM send_as WHERE account=?1", account) +
             db.run("DELETE FROM imported WHERE account=?1", account) >
         0;
}

}  // namespace

bool mend(Transaction& tx, const Discrepancy& what) {
  Database& db = tx.db();
  switch (what.repair) {
    case Repair::none: return false;
    case Repair::mailbox_counters:
    case Repair::mailbox_bounds: return mend_mailbox(tx, what);
    case Repair::account_used: return mend_account(tx, what);
    case Repair::blob_refs: return mend_references(tx, what);
    case Repair::segment_dead:
    case Repair::segment_bytes:
    case Repair::segment_empty:
    case Repair::segment_alive:
    case Repair::stray_file: return mend_segment(tx, what);
    case Repair::stray_meta:
      return db.run(
                 "DELETE FROM msgmeta WHERE id=?1 AND NOT EXISTS (SELECT 1 FROM message WHERE id=?1) "
                 "AND NOT EXISTS (SELECT 1 FROM reap WHERE id=?1)",
                 what.id) > 0;
    case Repair::stray_vanished: return db.run("DELETE FROM vanished WHERE mailbox=?1", what.id) > 0;
    case Repair::stray_keywords: return db.run("DELETE FROM keyword WHERE mailbox=?1", what.id) > 0;
    case Repair::stray_subscriptions: return db.run("DELETE FROM subscription WHERE account=?1", what.id) > 0;
    case Repair::stray_rights: return forget_rights(db, what.id);
    case Repair::stray_recipients: return db.run("DELETE FROM queue_rcpt WHERE queue=?1", what.id) > 0;
  }
  return false;
}

}  // namespace postern::store::sqlite
