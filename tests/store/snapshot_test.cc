// SPDX-License-Identifier: Apache-2.0
#include "store/snapshot.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "store/snapshot_edit.h"

namespace postern::store {

namespace {

using Model = std::map<Uid, Row>;

SnapshotPtr empty() {
  auto out = std::make_shared<Snapshot>();
  return out;
}

SnapshotPtr filled(Uid count) {
  SnapshotEdit edit(*empty());
  for (Uid uid = 1; uid <= count; ++uid) edit.put(Row{uid, 10, 0, 1});
  return edit.finish();
}

void expect_same(const Snapshot& snapshot, const Model& model) {
  ASSERT_EQ(snapshot.size(), model.size());
  std::size_t index = 0;
  for (const auto& [uid, row] : model) {
    ASSERT_EQ(snapshot.row(index).uid, uid);
    ASSERT_EQ(snapshot.row(index).flags, row.flags);
    ASSERT_EQ(snapshot.index_of(uid), index);
    ++index;
  }
}

void expect_difference(const Difference& found, const Model& before, const Model& after) {
  std::size_t changed = 0, added = 0, vanished = 0;
  for (const auto& [uid, row] : after) {
    const auto old = before.find(uid);
    if (old == before.end()) {
      ASSERT_LT(added, found.added.size());
      ASSERT_EQ(found.added[added++].uid, uid);
    } else if (old->second.modseq != row.modseq) {
      ASSERT_LT(changed, found.changed.size());
      ASSERT_EQ(found.changed[changed++].uid, uid);
    }
  }
  for (const auto& [uid, row] : before) {
    if (!after.contains(uid)) {
      ASSERT_TRUE(found.vanished.contains(uid));
      ++vanished;
    }
  }
  ASSERT_EQ(found.vanished.count(), vanished);
  ASSERT_EQ(found.changed.size(), changed);
  ASSERT_EQ(found.added.size(), added);
}

}  // namespace

TEST(Snapshot, FindsRowsInManyChunks) {
  const auto snapshot = filled(10'000);
  EXPECT_EQ(snapshot->chunks().size(), 3u);
  EXPECT_EQ(snapshot->row(4096).uid, 4097u);
  EXPECT_EQ(snapshot->lower_bound(9'000), 8'999u);
  EXPECT_EQ(snapshot->lower_bound(20'000), snapshot->size());
  EXPECT_EQ(snapshot->index_of(10'001), std::nullopt);
  EXPECT_EQ(empty()->lower_bound(1), 0u);
}

TEST(SnapshotEdit, CopiesOnlyTheChunkThatChanges) {
  const auto before = filled(10'000);
  SnapshotEdit edit(*before);
  edit.put(Row{5'000, 10, flag::seen, 2});
  const auto after = edit.finish();
  EXPECT_EQ(before->chunks()[0], after->chunks()[0]);
  EXPECT_NE(before->chunks()[1], after->chunks()[1]);
  EXPECT_EQ(before->chunks()[2], after->chunks()[2]);
  EXPECT_EQ(before->row(4'999).flags, 0u);
  EXPECT_EQ(after->row(4'999).flags, flag::seen);
}

TEST(SnapshotEdit, NeitherGoesBackNorRevives) {
  SnapshotEdit first(*filled(5));
  first.put(Row{3, 10, flag::seen, 7});
  first.remove(UidSet{{2, 2}});
  const auto now = first.finish();
  SnapshotEdit again(*now);
  again.put(Row{3, 10, 0, 6});
  again.put(Row{2, 10, 0, 9});
  const auto after = again.finish();
  EXPECT_EQ(after->size(), 4u);
  EXPECT_EQ(after->row(1).flags, flag::seen);
}

/// Changes of many messages in order, with gaps, over ends of chunks, back to the beginning, and behind a removal.
TEST(SnapshotEdit, PutsRunsOfRowsAsOneByOne) {
  std::mt19937 random(5);
  SnapshotPtr current = filled(9'000);
  Model model;
  for (Uid uid = 1; uid <= 9'000; ++uid) model[uid] = Row{uid, 10, 0, 1};
  for (ModSeq modseq = 2; modseq < 30; ++modseq) {
    SnapshotEdit edit(*current);
    for (int run = 0; run < 3; ++run) {
      const auto step = static_cast<Uid>(1 + random() % 2);
      Uid uid = static_cast<Uid>(1 + random() % 9'000);
      for (int n = 0; n < 3'000; ++n, uid += step) {
        const Row row{uid, 10, random() % 16, n % 7 == 0 ? modseq - 1 : modseq};
        edit.put(row);
        const auto it = model.find(uid);
        if (it != model.end() && it->second.modseq <= row.modseq) it->second = row;
        if (it == model.end() && uid > model.rbegin()->first) model[uid] = row;
      }
      const auto lo = static_cast<Uid>(1 + random() % 9'000);
      const UidSet gone{{lo, lo + 20}};
      edit.remove(gone);
      std::erase_if(model, [&](const auto& row) { return gone.contains(row.first); });
    }
    current = edit.finish();
    expect_same(*current, model);
  }
}

/// Random histories over several chunks: every snapshot and every difference against a map.
TEST(Difference, AgreesWithAModel) {
  std::mt19937 random(11);
  Model model;
  SnapshotPtr current = empty();
  Uid next = 1;
  ModSeq modseq = 1;
  std::vector<std::pair<SnapshotPtr, Model>> history{{current, model}};
  for (int step = 0; step < 25; ++step) {
    SnapshotEdit edit(*current);
    ++modseq;
    for (Uid n = random() % 1500; n > 0; --n, ++next) edit.put(model[next] = Row{next, 1, 0, modseq});
    for (int n = 0; n < 40; ++n) {
      const auto it = model.find(static_cast<Uid>(1 + random() % next));
      if (it == model.end()) continue;
      it->second.flags = random() % 16;
      it->second.modseq = modseq;
      edit.put(it->second);
    }
    const Uid lo = static_cast<Uid>(1 + random() % next);
    const UidSet gone{{lo, lo + static_cast<Uid>(random() % 600)}};
    edit.remove(gone);
    std::erase_if(model, [&](const auto& row) { return gone.contains(row.first); });
    current = edit.finish();
    expect_same(*current, model);
    history.emplace_back(current, model);
    const auto& [old_snapshot, old_model] = history[random() % history.size()];
    expect_difference(difference(*old_snapshot, *current), old_model, model);
  }
}

}  // namespace postern::store
