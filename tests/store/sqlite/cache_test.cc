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

}  // namespace postern::store::test
