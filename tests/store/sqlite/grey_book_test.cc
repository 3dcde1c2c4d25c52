// SPDX-License-Identifier: Apache-2.0
// Greylisting's rows outlive a restart; old ones go.
#include "store/grey_book.h"

#include <gtest/gtest.h>

#include "base/metrics.h"
#include "store/sqlite/ledger.h"
#include "tests/support/folder.h"

namespace postern::store {
namespace {

TEST(SqliteGreyBook, KeepsReplacesAndForgets) {
  const test::Folder folder;
  FakeClock clock;
  Metrics metrics;
  Log log(LogLevel::error, null_sink());
  const auto open = [&] { return sqlite::open_ledger(folder.path(), {clock, log, metrics}); };
  {
    const auto ledger = open();
    ledger->grey().note({{"aa", 1, 10, 0}, {"bb", 2, 20, 3}, {"cc", 3, 30, 0}}, 0);
    ledger->grey().note({{"aa", 1, 40, 1}}, 30);
    EXPECT_EQ(ledger->grey().recall(100).value(), (std::vector<GreyRow>{{"aa", 1, 40, 1}, {"cc", 3, 30, 0}}));
    ledger->close();
    EXPECT_FALSE(ledger->grey().recall(100));
  }
  const auto again = open();
  EXPECT_EQ(again->grey().recall(1).value(), (std::vector<GreyRow>{{"aa", 1, 40, 1}}));
}

}  // namespace
}  // namespace postern::store
