// SPDX-License-Identifier: Apache-2.0
// Backups: complete, incremental, pruned, verified; and every kind of damage that verify must find.
#include "tests/store/sqlite/recovery_fixture.h"

namespace postern::store::test {

namespace {

namespace fs = std::filesystem;

class BackupTest : public RecoveryTest {
 protected:
  void change_octet(const fs::path& path, std::uint64_t at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const char now = static_cast<char>(file.get() ^ 1);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(now);
  }
  std::size_t segments() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(backups() / "segments"), {}));
  }
};

TEST_F(BackupTest, IsWholeAndPrivate) {
  fill("INBOX");
  const auto manifest = back_up();
  EXPECT_EQ(findings(), std::vector<std::string>());
  EXPECT_EQ(fs::status(backups()).permissions(), fs::perms::owner_all);
  EXPECT_FALSE(fs::exists(data() / "backup" / manifest.name)) << "nothing is left in the data folder";
  const auto again = sqlite::read_manifest(backups() / "index" / manifest.name);
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(sqlite::to_json(*again), sqlite::to_json(manifest));
}

TEST_F(BackupTest, TakesOnlyWhatIsNew) {
  fill("INBOX");
  back_up();
  const auto staged = must(recovery().stage_backup());
  const auto second = sqlite::collect_backup({.staged = staged.folder, .folder = backups(), .config = {}}, {});
  ASSERT_TRUE(second);
  EXPECT_EQ(second->new_bytes, 0u);
  append("INBOX", {message(noise(100'000, 9))});
  const auto staged_again = must(recovery().stage_backup());
  const auto third = sqlite::collect_backup({.staged = staged_again.folder, .folder = backups(), .config = {}}, {});
  ASSERT_TRUE(third);
  EXPECT_GE(third->new_bytes, 100'000u);
  EXPECT_LT(third->new_bytes, 101'000u);
  EXPECT_EQ(findings(), std::vector<std::string>());
}

TEST_F(BackupTest, GoesOnWhileMailArrives) {
  fill("INBOX");
  for (std::uint32_t round = 0; round < 20; ++round) {
    const auto staged = must(recovery().stage_backup());
    append("INBOX", {message(noise(200'000, round)), message(noise(1'200'000, round))});
    expunge("INBOX", UidSet{{1, round + 1}});
    real_.clock.advance(std::chrono::hours(24 * 15));
    must(store_->reap());  // files go that the snapshot mentions: it has links of its own
    const auto made = sqlite::collect_backup({.staged = staged.folder, .folder = backups(), .config = {}}, {});
    ASSERT_TRUE(made);
    EXPECT_EQ(made->complaints, std::vector<std::string>());
    must(recovery().release_backup(staged.folder));
  }
  EXPECT_EQ(findings(), std::vector<std::string>());
}

TEST_F(BackupTest, PrunesWhatNobodyNeeds) {
  fill("INBOX");
  back_up();
  const auto with_large = segments();
  expunge("INBOX", UidSet::all());
  real_.clock.advance(std::chrono::hours(24 * 30));
  must(store_->reap());
  append("INBOX", {message("new")});
  back_up();
  back_up();
  EXPECT_EQ(segments(), with_large) << "the first backup still needs the large body";
  const auto pruned = sqlite::prune_backups(backups(), 1);
  ASSERT_TRUE(pruned);
  EXPECT_EQ(pruned->backups, 2u);
  EXPECT_EQ(pruned->segments, 1u);
  EXPECT_EQ(sqlite::list_backups(backups()).value().size(), 1u);
  EXPECT_EQ(findings(), std::vector<std::string>());
}

TEST_F(BackupTest, VerifyFindsEveryDamage) {
  fill("INBOX");
  const auto manifest = back_up();
  const auto index = backups() / "index" / manifest.name;
  const auto by_size = [](const auto& a, const auto& b) { return a.bytes < b.bytes; };
  const auto& largest = *std::max_element(manifest.segments.begin(), manifest.segments.end(), by_size);
  const auto large = sqlite::segment_path(backups() / "segments", largest.id);
  struct Damage {
    const char* what;
    std::function<void()> make;
  };
  const std::vector<Damage> damages{
      {"a bit of the index", [&] { change_octet(index / "mail.db", 9000); }},
      {"a bit of a body", [&] { change_octet(large, 700'000); }},
      {"a cut segment", [&] { fs::resize_file(large, 1000); }},
      {"a missing segment", [&] { fs::remove(large); }},
      {"a missing file", [&] { fs::remove(index / "auth.db"); }},
  };
  for (const auto& damage : damages) {
    const Folder kept;
    fs::copy(backups(), kept / "copy", fs::copy_options::recursive);
    damage.make();
    EXPECT_FALSE(findings().empty()) << damage.what;
    fs::remove_all(backups());
    fs::copy(kept / "copy", backups(), fs::copy_options::recursive);
    ASSERT_EQ(findings(), std::vector<std::string>());
  }
}

TEST_F(BackupTest, FindsABitInTheGrowingSegment) {
  append("INBOX", {message(noise(50'000, 5))});
  const auto manifest = back_up();
  change_octet(sqlite::segment_path(backups() / "segments", manifest.segments.front().id), 30'000);
  EXPECT_FALSE(findings().empty());
}

TEST_F(BackupTest, NeverMixesTwoStores) {
  fill("INBOX");
  back_up();
  close();
  fs::remove_all(data());
  open();
  alice_ = 0;
  fill("INBOX");
  const auto staged = must(recovery().stage_backup());
  const auto made = sqlite::collect_backup({.staged = staged.folder, .folder = backups(), .config = {}}, {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::conflict);
}

TEST_F(BackupTest, HalfOfABackupIsNone) {
  fill("INBOX");
  const auto manifest = back_up();
  fs::remove(backups() / "index" / manifest.name / sqlite::manifest_name);
  EXPECT_EQ(sqlite::list_backups(backups()).error().kind, ErrorKind::not_found);
  back_up();
  EXPECT_EQ(findings(), std::vector<std::string>());
}

TEST(Manifest, RefusesWhatIsNone) {
  for (const char* text : {"", "x", "[]", "{}", "{\"format\":1}",
                           "{\"format\":1,\"name\":\"a\",\"time\":1,\"store_id\":\"x\",\"files\":[{\"name\":\"../x\"}]}"}) {
    const auto parsed = sqlite::parse_manifest(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().kind, ErrorKind::corrupt) << text;
  }
  EXPECT_EQ(sqlite::parse_manifest("{\"format\":2}").error().kind, ErrorKind::unsupported);
}

}  // namespace

}  // namespace postern::store::test
