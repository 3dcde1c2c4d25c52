// SPDX-License-Identifier: Apache-2.0
// The database in windows: what is given, what is not, and that nothing old is given after a lock.
#include "store/sqlite/page_windows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "store/sqlite/database.h"
#include "store/sqlite/disk.h"
#include "store/sqlite/vfs.h"
#include "tests/support/folder.h"

namespace postern::store::sqlite {
namespace {

constexpr std::size_t page = 4096;
constexpr auto in_window = static_cast<std::int64_t>(PageWindows::window_size / page);

/// Every octet of a page is its number and the edition.
class FakeFile final : public PageWindows::Source {
 public:
  std::size_t read(char* out, std::size_t size, std::int64_t at) noexcept override {
    ++reads;
    if (broken || at >= end) return 0;
    const auto octets = std::min(size, static_cast<std::size_t>(end - at));
    for (std::size_t i = 0; i < octets; ++i)
      out[i] = octet((at + static_cast<std::int64_t>(i)) / static_cast<std::int64_t>(page));
    return octets;
  }
  char octet(std::int64_t number) const { return static_cast<char>(number + edition); }

  std::int64_t end = 1000 * page;
  int edition = 0;
  int reads = 0;
  bool broken = false;
};

struct Reader {
  char* fetch(std::int64_t number) { return windows.fetch(number * static_cast<std::int64_t>(page), page); }
  FakeFile file;
  PageWindows windows{file};
};

TEST(PageWindows, AreReadWhenPagesFollowEachOther) {
  Reader reader;
  EXPECT_EQ(reader.fetch(10), nullptr);
  for (std::int64_t number = 11; number < 11 + in_window; ++number) {
    char* got = reader.fetch(number);
    ASSERT_NE(got, nullptr);
    EXPECT_EQ(*got, reader.file.octet(number));
    EXPECT_EQ(got[page - 1], reader.file.octet(number));
    reader.windows.unfetch(got);
  }
  EXPECT_EQ(reader.file.reads, 1);
}

TEST(PageWindows, ReadNothingForPagesHereAndThere) {
  Reader reader;
  for (const std::int64_t number : {500, 100, 900, 300, 700, 200}) EXPECT_EQ(reader.fetch(number), nullptr);
  EXPECT_EQ(reader.file.reads, 0);
}

TEST(PageWindows, FollowSeveralScansAtOnce) {
  Reader reader;
  EXPECT_EQ(reader.fetch(10), nullptr);
  EXPECT_EQ(reader.fetch(800), nullptr);
  EXPECT_NE(reader.fetch(11), nullptr);
  EXPECT_NE(reader.fetch(801), nullptr);
  EXPECT_NE(reader.fetch(12), nullptr);
  EXPECT_EQ(reader.file.reads, 2);
}

TEST(PageWindows, GiveNothingOldAfterALock) {
  Reader reader;
  (void)reader.fetch(10);
  char* held = reader.fetch(11);
  ASSERT_NE(held, nullptr);
  const char before = *held;
  reader.file.edition = 5;
  reader.windows.drop();
  EXPECT_EQ(reader.fetch(12), nullptr);  // the scan begins anew
  char* fresh = reader.fetch(13);
  ASSERT_NE(fresh, nullptr);
  EXPECT_EQ(*fresh, reader.file.octet(13));
  EXPECT_EQ(*held, before);
}

TEST(PageWindows, KeepWhatIsGivenOut) {
  Reader reader;
  std::vector<char*> held;
  const auto apart = in_window + 50;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(PageWindows::most_windows); ++i) {
    (void)reader.fetch(i * apart);
    held.push_back(reader.fetch(i * apart + 1));
    ASSERT_NE(held.back(), nullptr);
  }
  (void)reader.fetch(900);
  EXPECT_EQ(reader.fetch(901), nullptr);  // no window is free
  for (std::size_t i = 0; i < held.size(); ++i) {
    EXPECT_EQ(*held[i], reader.file.octet(static_cast<std::int64_t>(i) * apart + 1));
  }
  reader.windows.unfetch(held.front());
  EXPECT_NE(reader.fetch(902), nullptr);
}

TEST(PageWindows, EndWithTheFileAndItsErrors) {
  Reader reader;
  reader.file.end = 12 * page + 100;
  (void)reader.fetch(10);
  EXPECT_NE(reader.fetch(11), nullptr);
  EXPECT_EQ(reader.fetch(12), nullptr);  // a part of a page
  Reader other;
  other.file.broken = true;
  (void)other.fetch(10);
  EXPECT_EQ(other.fetch(11), nullptr);
}

/// One connection scans a table, small enough to stay in the windows, while another changes all of it and moves its log into the
/// file.
TEST(PageWindows, ScansSeeEveryChangeThroughSqlite) {
  const test::Folder folder;
  RealDisk disk;
  const Vfs vfs(disk);
  const auto path = folder.path() / "scan.db";
  auto writing = Database::open({.path = path, .cache_kib = 1024, .vfs = &vfs});
  ASSERT_TRUE(writing.has_value()) << writing.error().text;
  (*writing)->script("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER, pad BLOB)");
  (*writing)->script(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<150) INSERT INTO t SELECT i, 0, zeroblob(1000) FROM "
      "n");
  (void)(*writing)->checkpoint(true);
  auto reading = Database::open({path, Database::Mode::read_only, 256, &vfs});
  ASSERT_TRUE(reading.has_value()) << reading.error().text;
  for (std::int64_t edition = 1; edition <= 20; ++edition) {
    (*writing)->query("UPDATE t SET v=?1", edition).run();
    if (edition % 2 == 0) (void)(*writing)->checkpoint(false);
    EXPECT_EQ((*reading)->integer(-1, "SELECT sum(v) FROM t WHERE length(pad)=?1", std::int64_t{1000}), 150 * edition);
  }
}

}  // namespace
}  // namespace postern::store::sqlite
