// SPDX-License-Identifier: Apache-2.0
// Full and failing disks: what was acknowledged stays, what was not leaves nothing behind (storage.md §5, security.md R5, R6).
#include <fcntl.h>

#include <thread>

#include "base/file.h"
#include "tests/store/faulty_disk.h"
#include "tests/store/fixture.h"

namespace postern::store::test {

class Faults : public testing::Test {
 protected:
  using Step = FaultyDisk::Step;
  void SetUp() override {
    store_ = real_.must_open(folder_.path(), &disk_);
    alice_ = add_account(*store_, "alice@example.org");
    accept("first");
  }
  Result<Accepted> try_accept(const std::string& body) {
    return wait(store_->accept(acceptance(body, {{alice_, "INBOX", "", 0}})));
  }
  void accept(const std::string& body) {
    const auto done = try_accept(body);
    ASSERT_TRUE(done) << done.error().text;
  }
  std::uint32_t messages() {
    const auto session = store_->session(identity(alice_));
    return inbox(*session).messages;
  }
  void reopen() {
    disk_.fail_at(Step::none, ErrorKind::io);
    store_.reset();
    store_ = real_.must_open(folder_.path(), &disk_);
  }
  void expect_bodies(const std::vector<std::string>& bodies) {
    const auto session = store_->session(identity(alice_));
    const auto info = inbox(*session);
    const auto rows = snapshot(*session, info.id);
    ASSERT_EQ(rows->size(), bodies.size());
    for (std::size_t i = 0; i < bodies.size(); ++i)
      EXPECT_EQ(read_all(*must(session->body(info.id, rows->row(i).uid))), bodies[i]);
    EXPECT_EQ(must(store_->audit()), std::vector<std::string>());
  }
  std::size_t segment_files() {
    std::size_t n = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path() / "seg")) n += entry.is_regular_file();
    return n;
  }

  Folder folder_;
  Real real_;
  FaultyDisk disk_;
  std::unique_ptr<sqlite::SqliteStore> store_;
  AccountId alice_ = 0;
};

TEST_F(Faults, AFullDiskIsATemporaryNo) {
  for (const Step step : {Step::write, Step::commit, Step::log}) {
    disk_.fail_at(step, ErrorKind::no_space);
    const auto refused = try_accept("refused");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::no_space);
    EXPECT_EQ(messages(), 1u);
    disk_.fail_at(Step::none, ErrorKind::io);
  }
  accept("second");
  expect_bodies({"first", "second"});
  reopen();
  expect_bodies({"first", "second"});
}

// The log is whole: what could not be moved into the database is moved at the next start.
TEST_F(Faults, ADatabaseThatCannotBeWrittenKeepsItsLog) {
  disk_.fail_at(Step::database, ErrorKind::no_space);
  accept("second");
  store_->close();
  EXPECT_GT(std::filesystem::file_size(folder_.path() / "mail.db-wal"), 0u);
  reopen();
  expect_bodies({"first", "second"});
}

TEST_F(Faults, AFullDiskStillTakesFlagsAndExpunge) {
  disk_.fail_at(Step::write, ErrorKind::no_space);
  const auto session = store_->session(identity(alice_));
  const MailboxId box = inbox(*session).id;
  must(session->store_flags(box, UidSet::all(), {FlagChange::Mode::add, flag::deleted, {}, {}}));
  EXPECT_EQ(must(session->expunge(box, UidSet::all(), ExpungeMode::marked_deleted)).to_string(), "1");
}

TEST_F(Faults, NoRoomForANewSegment) {
  disk_.fail_at(Step::allocate, ErrorKind::no_space);
  const std::string big = noise(900'000);
  EXPECT_EQ(try_accept(big).error().kind, ErrorKind::no_space);
  disk_.fail_at(Step::none, ErrorKind::io);
  accept(big);
  accept(big);
  accept("small");
  expect_bodies({"first", big, big, "small"});
  EXPECT_GE(segment_files(), 2u);
  reopen();
  expect_bodies({"first", big, big, "small"});
}

// storage.md §5 rule 5: the kernel may have dropped the pages, so a second sync proves nothing.
TEST_F(Faults, AFailedSyncEndsAllWriting) {
  for (const Step step : {Step::sync, Step::commit, Step::log}) {
    disk_.fail_at(step, ErrorKind::io);
    EXPECT_EQ(try_accept("never acknowledged").error().kind, ErrorKind::io);
    disk_.fail_at(Step::none, ErrorKind::io);
    EXPECT_EQ(try_accept("later").error().kind, ErrorKind::unavailable);
    const auto session = store_->session(identity(alice_));
    EXPECT_EQ(error_of(session->create("x", SpecialUse::none)), ErrorKind::unavailable);
    EXPECT_EQ(read_all(*must(session->body(inbox(*session).id, 1))), "first");
    reopen();
    EXPECT_EQ(must(store_->audit()), std::vector<std::string>());
    const auto again = store_->session(identity(alice_));
    EXPECT_EQ(read_all(*must(again->body(inbox(*again).id, 1))), "first");
  }
}

// The sender was told 451 and sends again: what the disk kept all the same would be a second copy (security.md §6.1).
TEST_F(Faults, WhatWasRefusedDoesNotComeBack) {
  const std::string big(2'000'000, 'x');
  for (const Step step : {Step::sync, Step::commit, Step::log}) {
    disk_.fail_once(step, ErrorKind::io);
    EXPECT_EQ(try_accept("never acknowledged").error().kind, ErrorKind::io);
    reopen();
    EXPECT_EQ(must(store_->audit()), std::vector<std::string>());
    expect_bodies({"first"});
  }
  disk_.fail_once(Step::commit, ErrorKind::io);
  EXPECT_EQ(try_accept(big).error().kind, ErrorKind::io);
  reopen();
  expect_bodies({"first"});
  accept("second");
  reopen();
  expect_bodies({"first", "second"});
}

// design.md §7: selecting waits for no disk; what was taken is written with the next batch or at the end.
TEST_F(Faults, RecentIsTakenWithoutWriting) {
  disk_.fail_at(Step::commit, ErrorKind::no_space);
  auto session = store_->session(identity(alice_));
  const MailboxId box = inbox(*session).id;
  EXPECT_EQ(must(session->take_recent(box)), 0u);
  EXPECT_EQ(must(session->take_recent(box)), 1u);
  EXPECT_EQ(inbox(*session).recent, 0u);
  EXPECT_FALSE(try_accept("refused"));
  EXPECT_EQ(must(session->take_recent(box)), 1u);
  session.reset();
  reopen();
  session = store_->session(identity(alice_));
  EXPECT_EQ(inbox(*session).recent, 0u);
  EXPECT_EQ(must(session->take_recent(box)), 1u);
}

TEST_F(Faults, ALargeBodyThatCannotBeSyncedLeavesNoFile) {
  const auto before = segment_files();
  const std::string big(2'000'000, 'x');
  for (const Step step : {Step::write, Step::sync}) {
    disk_.fail_at(step, ErrorKind::no_space);
    EXPECT_EQ(try_accept(big).error().kind, ErrorKind::no_space);
    disk_.fail_at(Step::none, ErrorKind::io);
  }
  EXPECT_EQ(segment_files(), before);
  accept(big);
  EXPECT_EQ(segment_files(), before + 1);
  expect_bodies({"first", big});
}

TEST_F(Faults, ALargeBodyThatIsRefusedLeavesNoFile) {
  must(store_->accounts().set_account({alice_, "", "", true, 1000, 0}));
  const auto before = segment_files();
  EXPECT_EQ(try_accept(std::string(2'000'000, 'x')).error().kind, ErrorKind::over_quota);
  EXPECT_EQ(segment_files(), before);
}

// One command of a batch may fail without harm to the others; here each is its own call, in any batch they form.
TEST_F(Faults, AnErrorDoesNotSpoilItsNeighbours) {
  std::vector<std::thread> threads;
  std::atomic<int> accepted = 0;
  std::atomic<int> refused = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        const bool good = (i + t) % 2 == 0;
        const auto done =
            wait(store_->accept(acceptance("m", {{alice_, "INBOX", "", 0}, {alice_, good ? "Junk" : "a//b", "", 0}})));
        (done ? accepted : refused)++;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(accepted + refused, 100);
  EXPECT_EQ(messages(), 1u + static_cast<unsigned>(accepted));
  EXPECT_EQ(must(store_->audit()), std::vector<std::string>());
}

TEST_F(Faults, ReapingEndsReferencesAndFiles) {
  const std::string big(2'000'000, 'x');
  accept(big);
  const auto files = segment_files();
  const auto session = store_->session(identity(alice_));
  const MailboxId box = inbox(*session).id;
  must(session->copy(box, UidSet{{2, 2}}, box, CopyMode::copy));
  must(session->expunge(box, UidSet{{2, 2}}, ExpungeMode::any));
  real_.clock.advance(std::chrono::hours(24 * 15));
  EXPECT_EQ(must(store_->reap()), 1u);
  EXPECT_EQ(segment_files(), files);
  EXPECT_EQ(read_all(*must(session->body(box, 3))), big);
  must(session->expunge(box, UidSet{{3, 3}}, ExpungeMode::any));
  EXPECT_EQ(must(store_->reap()), 0u);
  real_.clock.advance(std::chrono::hours(24 * 15));
  EXPECT_EQ(must(store_->reap()), 1u);
  EXPECT_EQ(segment_files(), files - 1);
  EXPECT_EQ(must(store_->audit()), std::vector<std::string>());
}

TEST_F(Faults, DamagedBodiesAreNotHandedOut) {
  accept(noise(2'000'000));
  store_->close();
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path() / "seg")) {
    UniqueFd file(::open(entry.path().c_str(), O_RDWR | O_CLOEXEC));
    // Inside the first small body, and far inside the large one.
    ASSERT_TRUE(write_all_at(file.get(), "#", entry.file_size() > 1'500'000 ? 1'999'999 : 70));
  }
  reopen();
  const auto session = store_->session(identity(alice_));
  const MailboxId box = inbox(*session).id;
  EXPECT_EQ(error_of(session->body(box, 1)), ErrorKind::corrupt);
  const auto reader = must(session->body(box, 2));
  EXPECT_THROW(read_all(*reader), std::runtime_error);
  std::filesystem::remove(folder_.path() / "seg/0000000001.seg");
  store_.reset();
  store_ = real_.must_open(folder_.path(), &disk_);
  const auto again = store_->session(identity(alice_));
  EXPECT_EQ(error_of(again->body(box, 1)), ErrorKind::corrupt);
  accept("goes on");
}

}  // namespace postern::store::test
