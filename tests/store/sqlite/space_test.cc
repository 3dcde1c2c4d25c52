// SPDX-License-Identifier: Apache-2.0
// A full disk (security.md R6): new mail is refused at once; reading, deleting and marking work in the room of the ballast; when
// there is space again the ballast comes back and mail is taken.
#include "store/sqlite/space.h"

#include <fcntl.h>
#include <sys/mount.h>

#include "base/file.h"
#include "tests/store/sqlite/care_fixture.h"

namespace postern::store::test {

namespace {

constexpr std::uint64_t mebibyte = 1 << 20;
constexpr std::uint64_t ballast = 2 * mebibyte;
constexpr std::uint64_t free_min = 16 * mebibyte;
/// security.md R6: mail is taken again within 5 s; the machine of a test may be slow.
constexpr std::chrono::seconds recovery_limit{30};

/// Has as much room as it is told; writes of SQLite's log fail while there is none and the ballast holds what is left.
class SmallDisk final : public sqlite::RealDisk {
 public:
  explicit SmallDisk(std::filesystem::path ballast_file) : ballast_file_(std::move(ballast_file)) {}
  void set_free(std::uint64_t bytes) { free_ = bytes; }
  Result<std::uint64_t> free_bytes(const std::filesystem::path&) override { return free_.load(); }
  Result<> write(int fd, std::span<iovec> pieces, std::uint64_t offset) override {
    ++writes_;
    return is_full() ? full() : RealDisk::write(fd, pieces, offset);
  }
  Result<> before_database_write(sqlite::DatabaseFile, std::size_t) override { return is_full() ? full() : Result<>(); }
  int writes() const { return writes_; }

 private:
  static Result<> full() { return fail(ErrorKind::no_space, "injected"); }
  bool is_full() const {
    std::error_code error;
    return free_ == 0 && std::filesystem::file_size(ballast_file_, error) > 0;
  }
  const std::filesystem::path ballast_file_;
  std::atomic<std::uint64_t> free_ = 100 * mebibyte;
  std::atomic<int> writes_ = 0;
};

}  // namespace

class SpaceTest : public CareTest {
 protected:
  /// The store goes before its disk.
  void TearDown() override { store_.reset(); }
  void open_with(sqlite::Disk& disk, const std::filesystem::path& folder) {
    auto options = quick_options(folder, &disk);
    options.free_space_min = free_min;
    options.ballast = ballast;
    auto opened = real_.open(options);
    ASSERT_TRUE(opened) << opened.error().text;
    store_ = std::move(*opened);
    alice_ = add_account(*store_, "alice@example.org");
    box_ = inbox(*session()).id;
  }
  Result<Accepted> try_accept(std::size_t bytes = 1000) {
    return wait(store_->accept(acceptance(noise_of(1, bytes), {{alice_, "INBOX", "", 0}})));
  }
  bool is_taken_again() {
    const auto limit = std::chrono::steady_clock::now() + recovery_limit;
    while (std::chrono::steady_clock::now() < limit) {
      if (try_accept()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }
  void wait_until_refusing(bool refusing) {
    while (must(store_->upkeep()->look()).refusing != refusing) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  std::uint64_t ballast_size() const {
    std::error_code error;
    const auto size = std::filesystem::file_size(data() / "ballast", error);
    return error ? 0 : size;
  }

  SmallDisk small_{data() / "ballast"};
};

TEST_F(SpaceTest, RefusesMailBelowTheLowWaterMarkBeforeWritingIt) {
  SmallDisk& disk = small_;
  open_with(disk, data());
  ASSERT_TRUE(try_accept());
  EXPECT_EQ(ballast_size(), ballast);
  disk.set_free(free_min - 1);
  wait_until_refusing(true);
  const int writes = disk.writes();
  EXPECT_EQ(try_accept().error().kind, ErrorKind::no_space);
  EXPECT_EQ(error_of(session()->append(box_, {message("appended")})), ErrorKind::no_space);
  EXPECT_EQ(try_accept(3 * mebibyte).error().kind, ErrorKind::no_space);
  EXPECT_EQ(disk.writes(), writes);
  EXPECT_EQ(ballast_size(), ballast);  // it is for worse days
  must(session()->store_flags(box_, UidSet::all(), {FlagChange::Mode::add, flag::deleted, {}, {}}));
  EXPECT_EQ(must(session()->expunge(box_, UidSet::all(), ExpungeMode::marked_deleted)).to_string(), "1");
  disk.set_free(free_min);
  EXPECT_TRUE(is_taken_again());
  EXPECT_EQ(plain_audit(), std::vector<std::string>());
}

TEST_F(SpaceTest, DeletesInTheRoomOfTheBallast) {
  SmallDisk& disk = small_;
  open_with(disk, data());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(try_accept());
  disk.set_free(0);
  must(session()->store_flags(box_, UidSet{{1, 1}}, {FlagChange::Mode::add, flag::seen, {}, {}}));  // finds the disk full
  EXPECT_EQ(ballast_size(), 0u);
  EXPECT_EQ(try_accept().error().kind, ErrorKind::no_space);
  EXPECT_EQ(must(session()->expunge(box_, UidSet{{1, 2}}, ExpungeMode::any)).to_string(), "1:2");
  must(session()->create("Elsewhere", SpecialUse::none));
  EXPECT_EQ(read_all(*must(session()->body(box_, 3))), noise_of(1, 1000));
  EXPECT_EQ(inbox(*session()).messages, 1u);
  disk.set_free(100 * mebibyte);
  EXPECT_TRUE(is_taken_again());
  EXPECT_EQ(ballast_size(), ballast);
  EXPECT_EQ(plain_audit(), std::vector<std::string>());
  EXPECT_EQ(audit_job(*store_).findings.size(), 0u);
}

// Mail and deletions at once, when the disk is full: the deletions are done, and soon no mail is taken.
TEST_F(SpaceTest, WhatMakesRoomIsDoneBesideWhatNeedsIt) {
  SmallDisk& disk = small_;
  open_with(disk, data());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(try_accept());
  disk.set_free(0);
  std::atomic<int> accepted = 0;
  std::atomic<int> deleted = 0;
  std::vector<std::thread> threads;
  for (Uid uid = 1; uid <= 10; ++uid) {
    threads.emplace_back([&] { accepted += try_accept().has_value(); });
    threads.emplace_back(
        [&, uid] { deleted += wait(session()->expunge(box_, UidSet{{uid, uid}}, ExpungeMode::any)).has_value(); });
  }
  for (auto& thread : threads) thread.join();
  // Those that were under way when the ballast went may have found room; after them nothing is taken.
  const auto refused = try_accept();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::no_space);
  EXPECT_EQ(deleted, 10);
  EXPECT_EQ(inbox(*session()).messages, 10u + static_cast<unsigned>(accepted));
  EXPECT_EQ(plain_audit(), std::vector<std::string>());
  disk.set_free(100 * mebibyte);
  EXPECT_TRUE(is_taken_again());
  EXPECT_EQ(audit_job(*store_).findings.size(), 0u);
}

TEST_F(SpaceTest, KeepsTheBallastOfTheLastTime) {
  SmallDisk& disk = small_;
  open_with(disk, data());
  store_.reset();
  auto options = quick_options(data(), &disk);
  options.ballast = ballast / 2;
  store_ = std::move(real_.open(options).value());
  EXPECT_EQ(ballast_size(), ballast / 2);
  EXPECT_EQ(must(store_->upkeep()->look()).ballast_bytes, ballast / 2);
}

namespace {

/// Grows the file to the last octet of its disk.
void fill_up(const UniqueFd& file) {
  const std::string block(mebibyte, 'x');
  std::uint64_t at = 0;
  for (std::size_t step : {block.size(), std::size_t{4096}}) {
    while (write_all_at(file.get(), std::string_view(block).substr(0, step), at)) at += step;
  }
}

/// A disk of its own, for real ENOSPC.
class Tmpfs {
 public:
  explicit Tmpfs(const std::filesystem::path& folder) : folder_(folder) {
    std::filesystem::create_directories(folder);
    mounted_ = ::mount("postern-test", folder.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=48m,mode=0700") == 0;
  }
  ~Tmpfs() {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  Tmpfs(const Tmpfs&) = delete;
  bool mounted() const { return mounted_; }

 private:
  const std::filesystem::path folder_;
  bool mounted_ = false;
};

}  // namespace

TEST_F(SpaceTest, ARealFullDisk) {
  const Tmpfs disk_space(folder_ / "disk");
  if (!disk_space.mounted()) GTEST_SKIP() << "mounting a tmpfs needs CAP_SYS_ADMIN";
  sqlite::RealDisk disk;
  open_with(disk, folder_ / "disk/data");
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(try_accept());
  const auto filler = folder_ / "disk/filler";
  UniqueFd file(::open(filler.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  fill_up(file);
  wait_until_refusing(true);
  EXPECT_EQ(try_accept().error().kind, ErrorKind::no_space);
  EXPECT_EQ(try_accept(3 * mebibyte).error().kind, ErrorKind::no_space);
  EXPECT_EQ(must(session()->expunge(box_, UidSet{{1, 2}}, ExpungeMode::any)).to_string(), "1:2");
  must(session()->store_flags(box_, UidSet{{3, 3}}, {FlagChange::Mode::add, flag::seen, {}, {}}));
  EXPECT_EQ(read_all(*must(session()->body(box_, 4))), noise_of(1, 1000));
  EXPECT_EQ(try_accept().error().kind, ErrorKind::no_space);
  ASSERT_EQ(::ftruncate(file.get(), 0), 0);
  EXPECT_TRUE(is_taken_again());
  EXPECT_EQ(must(store_->upkeep()->look()).ballast_bytes, ballast);
  EXPECT_EQ(audit_job(*store_).findings.size(), 0u);

  // A start on a full disk: the ballast gives the room for it.
  store_.reset();
  fill_up(file);
  auto options = quick_options(folder_ / "disk/data", &disk);
  options.free_space_min = free_min;
  options.ballast = ballast;
  auto again = real_.open(options);
  ASSERT_TRUE(again) << again.error().text;
  store_ = std::move(*again);
  EXPECT_EQ(try_accept().error().kind, ErrorKind::no_space);
  EXPECT_EQ(must(session()->expunge(box_, UidSet{{3, 3}}, ExpungeMode::any)).to_string(), "3");
  store_.reset();
}

}  // namespace postern::store::test
