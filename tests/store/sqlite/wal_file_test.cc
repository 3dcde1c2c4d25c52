// SPDX-License-Identifier: Apache-2.0
// Logs that SQLite wrote, cut at every place, damaged, and put on top of older copies.
#include "store/sqlite/wal_file.h"

#include <gtest/gtest.h>

#include "store/sqlite/database.h"
#include "tests/support/folder.h"

namespace postern::store::sqlite {

namespace {

/// A database with a log of one commit for each number 1 … 9; `older` is the file before the first of them.
class WalFileTest : public testing::Test {
 protected:
  WalFileTest() {
    db_ = std::move(*Database::open({folder_ / "live.db"}));
    db_->script("CREATE TABLE t (n INTEGER, filler BLOB)");
    EXPECT_TRUE(db_->checkpoint(true));
    write_file(older(), read_file(folder_ / "live.db").value());
    for (int n = 1; n <= 9; ++n) db_->run("INSERT INTO t VALUES (?1, zeroblob(5000))", n);
    EXPECT_TRUE(write_file(copy(), read_file(folder_ / "live.db-wal").value()));
  }
  static bool write_file(const std::filesystem::path& path, std::string_view bytes) {
    return write_file_durably(path, bytes).has_value();
  }
  std::filesystem::path older() const { return folder_ / "older.db"; }
  std::filesystem::path copy() const { return folder_ / "copy.wal"; }
  /// The highest number in the older copy now; -1 when it is damaged.
  static std::int64_t highest(const std::filesystem::path& path) {
    auto db = Database::open({path});
    if (!db) return -1;
    auto check = (*db)->query("PRAGMA integrity_check");
    if (!check.step() || check.text(0) != "ok") return -1;
    return (*db)->integer(-1, "SELECT coalesce(max(n),0) FROM t");
  }

  const postern::test::Folder folder_;
  std::unique_ptr<Database> db_;
};

TEST_F(WalFileTest, FindsEveryCommit) {
  const auto extent = committed_extent(copy());
  ASSERT_TRUE(extent);
  EXPECT_EQ(extent->bytes, std::filesystem::file_size(copy()));
  auto wal = WalFile::open(copy());
  ASSERT_TRUE(wal);
  int commits = 0;
  for (auto frame = wal->next(); frame && *frame; frame = wal->next()) commits += (*frame)->db_pages != 0 ? 1 : 0;
  EXPECT_EQ(commits, 9);
  EXPECT_EQ(wal->frames(), extent->frames);
}

TEST_F(WalFileTest, PutsAnyNumberOfCommitsOnTop) {
  const std::string before = read_file(older()).value();
  auto wal = WalFile::open(copy());
  std::int64_t commits = 0;
  for (std::uint64_t frames = 1;; ++frames) {
    const auto frame = wal->next();
    ASSERT_TRUE(frame);
    if (!*frame) break;
    if ((*frame)->db_pages != 0) ++commits;
    write_file(older(), before);
    ASSERT_TRUE(apply_wal(copy(), older(), frames)) << frames;
    EXPECT_EQ(highest(older()), commits) << "after " << frames << " frames: never half of a commit";
  }
}

TEST_F(WalFileTest, ReadsACutLogUpToItsLastWholeCommit) {
  const std::string whole = read_file(copy()).value();
  const std::string before = read_file(older()).value();
  for (std::size_t cut = 0; cut < whole.size(); cut += 1111) {
    write_file(copy(), std::string_view(whole).substr(0, cut));
    write_file(older(), before);
    const auto applied = apply_wal(copy(), older(), UINT64_MAX);
    if (cut < WalFile::header_size) {
      EXPECT_EQ(applied.error().kind, ErrorKind::corrupt) << cut;
      continue;
    }
    ASSERT_TRUE(applied) << cut;
    EXPECT_GE(highest(older()), 0) << cut;
    EXPECT_LE(*applied * (WalFile::frame_header_size + 4096) + WalFile::header_size, cut);
  }
}

TEST_F(WalFileTest, StopsAtAFlippedBit) {
  const std::string whole = read_file(copy()).value();
  const auto extent = committed_extent(copy());
  for (std::size_t at : {40u, 100u, 5000u, 20000u}) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    write_file(copy(), damaged);
    const auto found = committed_extent(copy());
    ASSERT_TRUE(found);
    EXPECT_LT(found->frames, extent->frames) << at;
    EXPECT_LE(found->bytes, at + WalFile::frame_header_size + 4096) << at;
  }
}

TEST_F(WalFileTest, RefusesWhatIsNoLog) {
  for (const std::string& bytes :
       {std::string(), std::string(32, '\0'), std::string("SQLite format 3"), std::string(4096, 'x')}) {
    write_file(copy(), bytes);
    EXPECT_EQ(WalFile::open(copy()).error().kind, ErrorKind::corrupt);
  }
  EXPECT_EQ(WalFile::open(folder_ / "absent").error().kind, ErrorKind::not_found);
}

TEST_F(WalFileTest, RefusesTheLogOfAnotherDatabase) {
  std::string other = read_file(older()).value();
  other[16] = 0x20;  // pages of 8 KiB
  write_file(older(), other);
  EXPECT_EQ(apply_wal(copy(), older(), UINT64_MAX).error().kind, ErrorKind::corrupt);
}

}  // namespace

}  // namespace postern::store::sqlite
