// SPDX-License-Identifier: Apache-2.0
// Room that was filled with zeros ahead: small batches overwrite it, and one sync makes their bodies and rows durable.
#include <algorithm>
#include <mutex>
#include <string>
#include <vector>

#include "tests/store/fixture.h"

namespace postern::store::test {

namespace {

/// Notes what is done to segments and to the log, in order. Says that files are overwritten in place wherever the test runs.
class NotingDisk final : public sqlite::RealDisk {
 public:
  bool overwrites_in_place(const std::filesystem::path&) override { return overwrites; }
  Result<> clear(int fd, std::uint64_t offset, std::uint64_t bytes) override {
    note("clear");
    if (full) return fail(ErrorKind::no_space, "injected");
    if (unwritable) return fail(ErrorKind::io, "injected");
    return RealDisk::clear(fd, offset, bytes);
  }
  Result<> write_out(int fd, std::uint64_t offset, std::uint64_t bytes) override {
    note("out");
    if (broken) return fail(ErrorKind::io, "injected");
    return RealDisk::write_out(fd, offset, bytes);
  }
  Result<> begin_write_out(int fd, std::uint64_t offset, std::uint64_t bytes) override {
    if (stuck) return fail(ErrorKind::io, "injected");
    return RealDisk::begin_write_out(fd, offset, bytes);
  }
  Result<> sync(int fd) override {
    note("sync");
    return RealDisk::sync(fd);
  }
  Result<> before_database_sync(sqlite::DatabaseFile file) override {
    if (file == sqlite::DatabaseFile::log) note("commit");
    return {};
  }
  std::vector<std::string> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(steps_, {});
  }

  std::atomic<bool> overwrites = true, full = false, unwritable = false, broken = false, stuck = false;

 private:
  void note(const char* step) {
    const std::lock_guard lock(mutex_);
    steps_.emplace_back(step);
  }
  std::mutex mutex_;
  std::vector<std::string> steps_;
};

using Steps = std::vector<std::string>;

std::size_t count(const Steps& steps, const std::string& step) {
  return static_cast<std::size_t>(std::count(steps.begin(), steps.end(), step));
}

class ClearedRoom : public testing::Test {
 protected:
  void SetUp() override {
    open();
    alice_ = add_account(*store_, "alice@example.org");
    disk_.take();
  }
  std::unique_ptr<sqlite::SqliteStore> opened(const char* name) {
    auto store =
        real_.open({.data_dir = folder_.path() / name, .segment_bytes = 8 << 20, .allocate_bytes = 4 << 20, .disk = &disk_});
    if (!store) throw std::runtime_error(store.error().text);
    return std::move(*store);
  }
  void open() { store_ = opened("data"); }
  Result<Accepted> try_accept(const std::string& body) {
    return wait(store_->accept(acceptance(body, {{alice_, "INBOX", "", 0}})));
  }
  /// The steps that accepting it took.
  Steps accept(const std::string& body) {
    const auto done = try_accept(body);
    EXPECT_TRUE(done) << done.error().text;
    if (done) expected_.push_back(body);
    return disk_.take();
  }
  /// With this fault nothing is accepted, neither at once nor later, and nothing that was is lost.
  void expect_refusal(std::atomic<bool>& fault) {
    accept("first");
    fault = true;
    const auto refused = try_accept("refused");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::io);
    EXPECT_EQ(count(disk_.take(), "commit"), 0u);
    fault = false;
    EXPECT_FALSE(try_accept("later"));
    store_.reset();
    open();
    expect_bodies(*store_);
  }
  void expect_bodies(sqlite::SqliteStore& store) {
    const auto session = store.session(identity(alice_));
    const auto info = inbox(*session);
    const auto rows = snapshot(*session, info.id);
    ASSERT_EQ(rows->size(), expected_.size());
    for (std::size_t i = 0; i < expected_.size(); ++i)
      EXPECT_EQ(read_all(*must(session->body(info.id, rows->row(i).uid))), expected_[i]);
    EXPECT_EQ(must(store.audit()), std::vector<std::string>());
  }

  Folder folder_;
  Real real_;
  NotingDisk disk_;
  std::unique_ptr<sqlite::SqliteStore> store_;
  AccountId alice_ = 0;
  std::vector<std::string> expected_;
};

}  // namespace

TEST_F(ClearedRoom, TheFirstBatchClearsAndSyncsTheNextOnesLeaveTheSyncToTheCommit) {
  const Steps first = accept("first");
  EXPECT_EQ(count(first, "clear"), 1u);
  EXPECT_EQ(count(first, "sync"), 1u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(accept("message " + std::to_string(i)), (Steps{"out", "commit"}));
  expect_bodies(*store_);
  store_.reset();
  open();
  expect_bodies(*store_);
}

TEST_F(ClearedRoom, UsedUpRoomIsClearedAndSyncedAgain) {
  const std::string body = noise(60'000);
  std::size_t clears = 0, syncs = 0;
  for (int i = 0; i < 40; ++i) {
    const Steps steps = accept(body + std::to_string(i));
    EXPECT_EQ(count(steps, "clear"), count(steps, "sync"));  // what was cleared is synced before anybody relies on it
    EXPECT_EQ(count(steps, "out") + count(steps, "sync"), 1u);
    clears += count(steps, "clear");
    syncs += count(steps, "sync");
  }
  EXPECT_GE(clears, 2u);
  EXPECT_LT(syncs, 6u);
  expect_bodies(*store_);
}

TEST_F(ClearedRoom, NoRoomForZerosRefusesNothing) {
  disk_.full = true;
  for (int i = 0; i < 3; ++i) {
    const Steps steps = accept("message " + std::to_string(i));
    EXPECT_EQ(count(steps, "sync"), 1u);  // nobody may rely on room that was not cleared
    EXPECT_EQ(count(steps, "out"), 0u);
  }
  expect_bodies(*store_);
}

TEST_F(ClearedRoom, ADiskThatCannotWriteZerosIsBroken) {
  disk_.unwritable = true;
  const auto refused = try_accept("refused");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::io);
  EXPECT_FALSE(try_accept("later"));
}

TEST_F(ClearedRoom, ABodyThatDoesNotReachTheDeviceIsRefusedAndWritingStops) { expect_refusal(disk_.broken); }

TEST_F(ClearedRoom, ABodyWhoseWayToTheDeviceCannotBeginIsRefusedAndWritingStops) { expect_refusal(disk_.stuck); }

TEST_F(ClearedRoom, WhereFilesAreNotOverwrittenInPlaceEachBatchSyncs) {
  store_.reset();
  disk_.overwrites = false;
  open();
  disk_.take();
  for (int i = 0; i < 3; ++i) {
    const Steps steps = accept("message " + std::to_string(i));
    EXPECT_EQ(count(steps, "sync"), 1u);
    EXPECT_EQ(count(steps, "clear") + count(steps, "out"), 0u);
  }
  expect_bodies(*store_);
}

// What a kill leaves: a segment and a log with zeros behind their ends.
TEST_F(ClearedRoom, ZerosBehindTheEndsAreNoMail) {
  for (int i = 0; i < 20; ++i) accept("message " + std::to_string(i));
  const auto log = folder_.path() / "data" / "mail.db-wal";
  EXPECT_GE(std::filesystem::file_size(log), std::size_t{1} << 20);
  std::filesystem::copy(folder_.path() / "data", folder_.path() / "killed", std::filesystem::copy_options::recursive);
  const auto killed = opened("killed");
  expect_bodies(*killed);
}

TEST_F(ClearedRoom, TheLogKeepsItsSizeWhileCommitsFitIn) {
  accept("first");
  const auto log = folder_.path() / "data" / "mail.db-wal";
  const auto size = std::filesystem::file_size(log);
  for (int i = 0; i < 10; ++i) accept("message " + std::to_string(i));
  EXPECT_EQ(std::filesystem::file_size(log), size);
}

// Writer::most_log_pages: no quiet moment has to come.
TEST_F(ClearedRoom, TheLogIsMovedBeforeItIsTooLong) {
  constexpr std::size_t most = std::size_t{40} << 20;
  const auto log = folder_.path() / "data" / "mail.db-wal";
  std::size_t longest = 0;
  for (int i = 0; i < 80; ++i) {
    auto large = acceptance("message", {{alice_, "INBOX", "", 0}});
    large.meta.envelope = noise(1 << 20);
    must(store_->accept(std::move(large)));
    longest = std::max<std::size_t>(longest, std::filesystem::file_size(log));
  }
  EXPECT_LT(longest, most);
}

}  // namespace postern::store::test
