// SPDX-License-Identifier: Apache-2.0
// Snapshots that are read while the writer publishes must miss nothing, and what is not held may be forgotten.
#include "store/sqlite/cache.h"

#include <thread>

#include "store/sqlite/message_reads.h"
#include "store/sqlite/messages.h"
#include "store/sqlite/schema.h"
#include "tests/store/fixture.h"

namespace postern::store::test {

TEST(SnapshotCache, LoadsThatRaceWithWritesMissNothing) {
  const Folder folder;
  Real real;
  // No budget: nothing stays cached without a holder, so every open() reads again.
  const auto store = real.open({.data_dir = folder / "data", .segment_bytes = 1 << 20, .snapshot_cache_bytes = 0}).value();
  const AccountId alice = add_account(*store, "alice@example.org");
  const auto session = store->session(identity(alice));
  const MailboxId box = inbox(*session).id;
  std::atomic<bool> done = false;
  std::thread writer([&] {
    const auto other = store->session(identity(alice));
    for (int i = 0; i < 300; ++i) {
      must(store->accept(acceptance("m", {{alice, "INBOX", "", 0}})));
      if (i % 3 == 0) must(other->store_flags(box, UidSet{{1, 5}}, {FlagChange::Mode::replace, 1u << (i % 5), {}, {}}));
    }
    done = true;
  });
  while (!done) {
    const auto watch = must(session->open(box));
    const auto rows = watch->latest();
    ASSERT_EQ(rows->size() + 1, rows->uidnext);
    for (std::size_t i = 0; i < rows->size(); ++i) {
      ASSERT_EQ(rows->row(i).uid, i + 1);
      ASSERT_LE(rows->row(i).modseq, rows->highest);
    }
  }
  writer.join();
  const auto watch = must(session->open(box));
  EXPECT_EQ(watch->latest()->size(), 300u);
  EXPECT_EQ(watch->latest()->highest, inbox(*session).highest);
}

TEST(SnapshotCache, HeldSnapshotsStayWhateverTheBudget) {
  const Folder folder;
  Real real;
  const auto store = real.open({.data_dir = folder / "data", .snapshot_cache_bytes = 0}).value();
  const AccountId alice = add_account(*store, "alice@example.org");
  const auto session = store->session(identity(alice));
  const auto watch = must(session->open(inbox(*session).id));
  must(session->open(must(session->status("Junk")).id));
  must(store->accept(acceptance("m", {{alice, "INBOX", "", 0}})));
  EXPECT_EQ(watch->latest()->size(), 1u);
  EXPECT_EQ(must(session->open(inbox(*session).id)), watch);
}

// RFC 7162 §3.2.6
TEST(Vanished, BelowTheFloorTheFullComparisonAnswers) {
  const Folder folder;
  Real real;
  const auto db = sqlite::Database::open({folder / "x.db", sqlite::Database::Mode::read_write}).value();
  ASSERT_TRUE(sqlite::migrate(*db, folder / "x.db", sqlite::mail_schema(), real.log));
  sqlite::Transaction tx(*db, real.clock);
  tx.begin_command();
  sqlite::MailboxState& box = tx.make_mailbox(1, "INBOX", SpecialUse::none);
  const MessageMeta meta;
  for (int i = 0; i < 30; ++i) sqlite::insert_message(tx, box, {.meta = meta});
  for (Uid uid = 1; uid <= 20; uid += 2) ASSERT_TRUE(sqlite::expunge(tx, box, UidSet{{uid, uid}}, ExpungeMode::any));
  const ModSeq last = box.highest;
  sqlite::prune_vanished(tx, 100);
  EXPECT_EQ(box.vanished_floor, 0u);
  sqlite::prune_vanished(tx, 8);
  tx.flush();
  EXPECT_EQ(db->integer(0, "SELECT count(*) FROM vanished"), 4);
  EXPECT_EQ(box.vanished_floor, last - 4);
  EXPECT_EQ(sqlite::read_vanished(*db, box.id, last - 4).to_string(), "13,15,17,19");
  EXPECT_EQ(sqlite::read_vanished(*db, box.id, last - 5).to_string(), "1,3,5,7,9,11,13,15,17,19");
  EXPECT_EQ(sqlite::read_vanished(*db, box.id, last).to_string(), "");
}

}  // namespace postern::store::test
