// SPDX-License-Identifier: Apache-2.0
// Reading the index ahead: how much, and that nothing depends on it.
#include "store/sqlite/warming.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/folder.h"

namespace postern::store::sqlite {
namespace {

TEST(Warming, TakesAShareOfMemoryAtMost) {
  EXPECT_EQ(Warming::share_of(0, 1 << 30), 0U);
  EXPECT_EQ(Warming::share_of(1000, 1 << 30), 1000U);
  EXPECT_EQ(Warming::share_of(std::uint64_t{1} << 40, std::uint64_t{8} << 30), std::uint64_t{1} << 30);
  EXPECT_EQ(Warming::share_of(1000, 0), 0U);
}

TEST(Warming, MissingFileIsNoHarm) { const Warming warming("/nonexistent/mail.db"); }

TEST(Warming, EndsWhileALargeFileIsRead) {
  const test::Folder folder;
  const auto path = folder.path() / "mail.db";
  std::ofstream(path).close();
  ASSERT_EQ(::truncate(path.c_str(), off_t{1} << 36), 0);
  const Warming warming(path);
}

}  // namespace
}  // namespace postern::store::sqlite
