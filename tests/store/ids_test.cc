// SPDX-License-Identifier: Apache-2.0
#include "store/ids.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace postern::store {

TEST(UidSet, MergesNeighboursWhereverTheyArrive) {
  UidSet set;
  for (const Uid uid : {5u, 1u, 3u, 2u, 9u, 4u}) set.add(uid);
  EXPECT_EQ(set.to_string(), "1:5,9");
  set.add(UidRange{6, 8});
  EXPECT_EQ(set.to_string(), "1:9");
  set.add(UidRange{4, 3});
  EXPECT_EQ(set.count(), 9u);
}

TEST(UidSet, ReachesTheLastUid) {
  UidSet set{{4294967290u, UINT32_MAX}};
  set.add(UINT32_MAX);
  set.add(4294967289u);
  EXPECT_EQ(set.to_string(), "4294967289:4294967295");
  EXPECT_TRUE(UidSet::all().contains(UINT32_MAX));
  EXPECT_EQ(UidSet::all().count(), 4294967295u);
  EXPECT_EQ(UidSet::all().minus(UidSet{{2, UINT32_MAX}}).to_string(), "1");
}

/// Random sets against std::set.
TEST(UidSet, BehavesAsASet) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    UidSet a, b;
    std::set<Uid> model_a, model_b;
    for (int i = 0; i < 12; ++i) {
      const Uid lo = 1 + random() % 40;
      const Uid hi = lo + random() % 5;
      UidSet& set = i % 2 ? a : b;
      set.add(UidRange{lo, hi});
      for (Uid uid = lo; uid <= hi; ++uid) (i % 2 ? model_a : model_b).insert(uid);
    }
    const UidSet both = a.intersect(b);
    const UidSet less = a.minus(b);
    for (Uid uid = 1; uid < 50; ++uid) {
      ASSERT_EQ(a.contains(uid), model_a.contains(uid));
      ASSERT_EQ(both.contains(uid), model_a.contains(uid) && model_b.contains(uid)) << a.to_string() << " " << b.to_string();
      ASSERT_EQ(less.contains(uid), model_a.contains(uid) && !model_b.contains(uid)) << a.to_string() << " " << b.to_string();
    }
    ASSERT_EQ(a.count(), model_a.size());
  }
}

}  // namespace postern::store
