// SPDX-License-Identifier: Apache-2.0
// Compaction: what is alive stays readable at every moment, what is dead gives its space back, damage stays where it is, backups
// keep their files, and a kill at any step of the disk leaves a store that is right.
#include "store/sqlite/compaction.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <map>

#include "base/file.h"
#include "tests/store/sqlite/care_fixture.h"

namespace postern::store::test {

using Kind = JobOrder::Kind;

class CompactionTest : public CareTest {
 protected:
  /// Segment 1 holds UIDs 1–10, segment 2 11–20, segment 3 is active.
  void fill_three() {
    fill(24);
    ASSERT_EQ(segment_files().size(), 3u);
  }
  void damage(std::uint64_t segment, std::uint64_t offset) {
    const UniqueFd file(::open((data() / "seg" / fmt::format("{:010}.seg", segment)).c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(write_all_at(file.get(), "####", offset));
  }
  std::uint64_t offset_of(Uid uid) {
    return static_cast<std::uint64_t>(
        number(fmt::format("SELECT off FROM blob WHERE id=(SELECT blob FROM message WHERE id&4294967295={})", uid)));
  }
  void expect_clean() {
    EXPECT_EQ(plain_audit(), std::vector<std::string>());
    const auto checked = audit_job(*store_);
    EXPECT_EQ(checked.phase, JobState::Phase::done) << checked.error;
    for (const auto& finding : checked.findings) ADD_FAILURE() << finding.text;
  }
};

TEST_F(CompactionTest, GivesBackWhatIsDead) {
  fill_three();
  forget(UidSet{{1, 3}, {5, 9}, {12, 12}});
  const auto done = run_job(*store_, {.kind = Kind::compact});
  EXPECT_EQ(done.phase, JobState::Phase::done) << done.error;
  EXPECT_EQ(done.segments_done, 1u);  // the second one is a tenth dead only
  EXPECT_GT(done.bytes_reclaimed, 7 * body_bytes);
  EXPECT_FALSE(has_file(1));
  EXPECT_TRUE(has_file(4));
  expect_bodies({4, 10, 11, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24});
  expect_clean();
  const auto all = run_job(*store_, {.kind = Kind::compact, .all = true});
  EXPECT_EQ(all.segments_done, 1u);
  EXPECT_FALSE(has_file(2));
  open();
  expect_bodies({4, 10, 11, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24});
  expect_clean();
}

TEST_F(CompactionTest, ChoosesTheOneWithMostDeadBytes) {
  fill(34);
  forget(UidSet{{1, 4}, {11, 16}, {25, 25}});
  const auto db = sqlite::Database::open({data() / "mail.db", sqlite::Database::Mode::read_write}).value();
  const auto found = sqlite::candidates(*db, 30);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].id, 2u);
  EXPECT_EQ(found[1].id, 1u);
  EXPECT_EQ(sqlite::candidates(*db, 50).size(), 1u);
  EXPECT_EQ(sqlite::candidates(*db, 0).size(), 3u);
}

TEST_F(CompactionTest, RefusesWhatItCannotDo) {
  fill_three();
  must(store_->accept(acceptance(noise_of(99, 2'000'000), {{alice_, "Junk", "", 0}})));
  for (const std::uint64_t segment : {3u, 4u, 99u}) {
    const auto done = run_job(*store_, {.kind = Kind::compact, .segment = segment});
    EXPECT_EQ(done.phase, JobState::Phase::failed) << segment;
    EXPECT_FALSE(done.error.empty());
  }
  expect_clean();
}

// design.md §7 and storage.md §6: readers never see the move.
TEST_F(CompactionTest, ReadersGoOnMeanwhile) {
  fill_three();
  forget(UidSet{{1, 4}, {11, 14}});
  std::atomic<bool> stop = false;
  std::atomic<int> reads = 0;
  std::vector<std::thread> readers;
  for (int t = 0; t < 2; ++t) {
    readers.emplace_back([&] {
      const auto mine = session();
      while (!stop) {
        for (const Uid uid : {5u, 10u, 15u, 20u}) {
          auto reader = wait(mine->body(box_, uid));
          ASSERT_TRUE(reader) << reader.error().text;
          ASSERT_EQ(read_all(**reader).size(), body_bytes + 6);
          ++reads;
        }
      }
    });
  }
  while (reads < 8) std::this_thread::yield();
  EXPECT_EQ(run_job(*store_, {.kind = Kind::compact}).segments_done, 2u);
  const int before = reads;
  while (reads < before + 16) std::this_thread::yield();
  stop = true;
  for (auto& reader : readers) reader.join();
  expect_clean();
}

TEST_F(CompactionTest, MessagesThatGoMeanwhileAreDeadInTheNewFile) {
  fill_three();
  forget(UidSet{{1, 5}});
  run_job(*store_, {.kind = Kind::compact});
  forget(UidSet{{6, 9}});
  EXPECT_EQ(run_job(*store_, {.kind = Kind::compact}).segments_done, 1u);
  EXPECT_TRUE(has_file(5));
  EXPECT_FALSE(has_file(4));
  forget(UidSet{{10, 10}});
  EXPECT_FALSE(has_file(5));  // without a body the file goes at once
  expect_clean();
}

// storage.md §6: "compaction must keep replaced segments until the newest retained snapshot no longer mentions them".
TEST_F(CompactionTest, PinnedFilesStay) {
  fill_three();
  forget(UidSet{{1, 8}});
  const auto until = real_.clock.unix_now() + 3600;
  sql(fmt::format("INSERT INTO pin VALUES (1, 'backup', {}), (2, 'backup', {})", until, until));
  run_job(*store_, {.kind = Kind::compact});
  forget(UidSet{{11, 20}});  // takes two weeks
  EXPECT_TRUE(has_file(1));
  EXPECT_FALSE(has_file(2));
  const auto info = must(store_->upkeep()->look());
  EXPECT_EQ(std::count_if(info.segments.begin(), info.segments.end(),
                          [](const SegmentInfo& one) { return one.state == SegmentInfo::State::retired; }),
            1);
  expect_clean();
  run_job(*store_, {.kind = Kind::compact});  // the pin has ended
  EXPECT_FALSE(has_file(1));
  expect_bodies({9, 10, 21, 22, 23, 24});
  expect_clean();
}

TEST_F(CompactionTest, DamageIsReportedAndStays) {
  fill_three();
  forget(UidSet{{1, 6}});
  store_.reset();
  damage(1, offset_of(8) + 5000);  // inside the body
  damage(1, offset_of(10) - 60);   // in the header in front of it
  open();
  const auto done = run_job(*store_, {.kind = Kind::compact});
  EXPECT_EQ(done.phase, JobState::Phase::done) << done.error;
  ASSERT_GE(done.findings.size(), 1u);
  EXPECT_NE(done.findings[0].text.find("checksum"), std::string::npos) << done.findings[0].text;
  EXPECT_TRUE(has_file(1));
  EXPECT_EQ(error_of(session()->body(box_, 8)), ErrorKind::corrupt);
  for (const Uid uid : {7u, 9u, 10u, 11u}) EXPECT_EQ(read_all(*must(session()->body(box_, uid))).size(), body_bytes + 6) << uid;
  const auto checked = audit_job(*store_);
  ASSERT_GE(checked.findings.size(), 1u);
  EXPECT_NE(checked.findings[0].text.find("message 8"), std::string::npos) << checked.findings[0].text;
  EXPECT_FALSE(checked.findings[0].repaired);
}

TEST_F(CompactionTest, FullDiskLeavesEverythingAsItWas) {
  fill_three();
  forget(UidSet{{1, 6}});
  FaultyDisk disk;
  open(&disk);
  for (const auto step : {FaultyDisk::Step::write, FaultyDisk::Step::allocate, FaultyDisk::Step::sync_folder,
                          FaultyDisk::Step::sync, FaultyDisk::Step::log}) {
    disk.fail_at(step, ErrorKind::no_space);
    const auto done = run_job(*store_, {.kind = Kind::compact});
    disk.fail_at(FaultyDisk::Step::none, ErrorKind::io);
    EXPECT_EQ(done.phase, JobState::Phase::failed) << static_cast<int>(step);
    EXPECT_TRUE(has_file(1));
    EXPECT_EQ(segment_files().size(), 3u) << static_cast<int>(step);
    expect_clean();
  }
  EXPECT_EQ(run_job(*store_, {.kind = Kind::compact}).segments_done, 1u);
  expect_bodies({7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24});
  store_.reset();  // before its disk
}

namespace {

/// Kills the process at the n-th operation after arm(). What was written to a segment and not synced is lost with it.
class KillingDisk final : public sqlite::RealDisk {
 public:
  void arm(int operations) { left_ = operations; }
  Result<> write(int fd, std::span<iovec> pieces, std::uint64_t offset) override {
    step();
    unsynced_.emplace(fd, offset);
    return RealDisk::write(fd, pieces, offset);
  }
  Result<> allocate(int fd, std::uint64_t offset, std::uint64_t bytes) override {
    step();
    return RealDisk::allocate(fd, offset, bytes);
  }
  Result<> truncate(int fd, std::uint64_t size) override {
    step();
    return RealDisk::truncate(fd, size);
  }
  Result<> sync(int fd) override {
    step();
    unsynced_.erase(fd);
    return RealDisk::sync(fd);
  }
  Result<> sync_folder(const std::filesystem::path& folder) override {
    step();
    return RealDisk::sync_folder(folder);
  }
  Result<> before_database_sync(sqlite::DatabaseFile) override {
    step();
    return {};
  }
  Result<> before_database_write(sqlite::DatabaseFile, std::size_t) override {
    step();
    return {};
  }

 private:
  void step() {
    if (left_.load() < 0 || left_.fetch_sub(1) != 1) return;
    for (const auto& [fd, synced] : unsynced_) [[maybe_unused]]
      const int cut = ::ftruncate(fd, static_cast<off_t>(synced));
    ::kill(::getpid(), SIGKILL);
    for (;;) ::pause();
  }
  std::atomic<int> left_ = -1;
  std::map<int, std::uint64_t> unsynced_;  ///< housekeeping alone writes segments here
};

}  // namespace

TEST_F(CompactionTest, KilledAtEveryStepLosesNothing) {
  fill_three();
  forget(UidSet{{1, 3}, {5, 9}, {11, 16}});
  store_.reset();
  std::filesystem::rename(data(), folder_ / "before");
  int steps = 0;
  for (bool finished = false; !finished; ++steps) {
    ASSERT_LT(steps, 500);
    std::filesystem::remove_all(data());
    std::filesystem::copy(folder_ / "before", data(), std::filesystem::copy_options::recursive);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      KillingDisk disk;
      open(&disk);
      disk.arm(steps + 1);
      ::_exit(run_job(*store_, {.kind = Kind::compact}).segments_done == 2 ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    finished = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    ASSERT_TRUE(finished || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)) << steps;
    open();
    expect_bodies({4, 10, 17, 18, 19, 20, 21, 22, 23, 24});
    expect_clean();
    if (HasFailure()) FAIL() << "killed at step " << steps;
    if (steps % 5 == 0) {
      // It goes on where it was, and nothing is left over.
      run_job(*store_, {.kind = Kind::compact});
      expect_bodies({4, 10, 17, 18, 19, 20, 21, 22, 23, 24});
      EXPECT_LE(segment_files().size(), 4u);
    }
    store_.reset();
  }
  EXPECT_GT(steps, 10);
}

}  // namespace postern::store::test
