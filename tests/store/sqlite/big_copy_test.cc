// SPDX-License-Identifier: Apache-2.0
// COPY and MOVE of more than 20,000 messages: all or nothing through crashes and full disks, and nobody sees a half.
#include "store/sqlite/big_copy.h"

#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "tests/store/fixture.h"

namespace postern::store::test {

namespace {

constexpr std::uint32_t messages = 24'000;
static_assert(messages > sqlite::BigCopy::single_rows);

/// At the n-th sync of SQLite's log from now on the process dies, or this sync and the next one fail.
class CountingDisk final : public sqlite::RealDisk {
 public:
  enum class Then : std::uint8_t { nothing, fail, die };
  void at_commit(int n, Then then) {
    then_ = then;
    left_ = n;
  }
  Result<> before_database_sync(sqlite::DatabaseFile file) override {
    if (file != sqlite::DatabaseFile::log || then_ == Then::nothing || --left_ > 0) return {};
    if (then_ == Then::die) ::_exit(9);
    if (left_ < 0) then_ = Then::nothing;  // the second try of the batch fails too
    return fail(ErrorKind::no_space, "injected");
  }

 private:
  std::atomic<Then> then_ = Then::nothing;
  std::atomic<int> left_ = 0;
};

}  // namespace

class BigCopies : public testing::Test {
 protected:
  using Then = CountingDisk::Then;
  void SetUp() override {
    open();
    alice_ = add_account(*store_, "alice@example.org");
    session();
    std::vector<NewMessage> some;
    for (int i = 0; i < 750; ++i) some.push_back(message("body " + std::to_string(i), i % 3 == 0 ? flag::seen : 0, {"work"}));
    must(session_->append(inbox_, std::move(some)));
    while (inbox(*session_).messages < messages) must(session_->copy(inbox_, UidSet::all(), inbox_, CopyMode::copy));
  }
  void open() { store_ = real_.must_open(folder_.path(), &disk_); }
  void session() {
    session_ = store_->session(identity(alice_));
    inbox_ = inbox(*session_).id;
    archive_ = must(session_->status("Archive")).id;
  }
  void reopen() {
    session_.reset();
    store_.reset();
    open();
    session();
  }
  Result<Copied> transfer(CopyMode mode) { return wait(session_->copy(inbox_, UidSet::all(), archive_, mode)); }
  void expect_counts(std::uint32_t in_inbox, std::uint32_t in_archive) {
    EXPECT_EQ(inbox(*session_).messages, in_inbox);
    EXPECT_EQ(snapshot(*session_, inbox_)->size(), in_inbox);
    EXPECT_EQ(must(session_->status("Archive")).messages, in_archive);
    EXPECT_EQ(snapshot(*session_, archive_)->size(), in_archive);
    EXPECT_EQ(session_->quota().used_messages, in_inbox + in_archive);
    EXPECT_EQ(must(store_->audit()), std::vector<std::string>());
  }

  Folder folder_;
  Real real_;
  CountingDisk disk_;
  std::unique_ptr<sqlite::SqliteStore> store_;
  AccountId alice_ = 0;
  std::unique_ptr<Session> session_;
  MailboxId inbox_ = 0;
  MailboxId archive_ = 0;
};

TEST_F(BigCopies, CopyAndMove) {
  const auto watch = must(session_->open(archive_));
  const auto done = transfer(CopyMode::copy).value();
  EXPECT_EQ(done.from.count(), messages);
  EXPECT_EQ(done.to.to_string(), fmt::format("1:{}", messages));
  EXPECT_EQ(watch->latest()->size(), messages);
  EXPECT_EQ(watch->latest()->keywords, (std::vector<std::string>{"work"}));
  expect_counts(messages, messages);
  EXPECT_EQ(read_all(*must(session_->body(archive_, messages))), "body 749");
  EXPECT_EQ(must(session_->status("Archive")).unseen, inbox(*session_).unseen);
  reopen();
  expect_counts(messages, messages);
  const auto moved = wait(session_->copy(archive_, UidSet::all(), inbox_, CopyMode::move)).value();
  EXPECT_EQ(moved.from.count(), messages);
  expect_counts(2 * messages, 0);
  EXPECT_EQ(must(session_->vanished_since(archive_, 1)).count(), messages);
}

TEST_F(BigCopies, WithinOneMailbox) {
  const auto done = wait(session_->copy(inbox_, UidSet::all(), inbox_, CopyMode::copy)).value();
  EXPECT_EQ(done.to.count(), messages);
  expect_counts(2 * messages, 0);
  must(session_->copy(inbox_, UidSet{{1, messages}}, inbox_, CopyMode::move));
  expect_counts(2 * messages, 0);
}

TEST_F(BigCopies, OthersWriteMeanwhileAndTheDestinationWaits) {
  const AccountId bob = add_account(*store_, "bob@example.org");
  std::atomic<bool> over = false;
  std::uint32_t neighbours = 0;
  std::thread neighbour([&] {
    for (; !over; ++neighbours) must(store_->accept(acceptance("to bob", {{bob, "INBOX", "", 0}})));
  });
  std::uint32_t arrived = 0;
  std::atomic<std::size_t> odd = 0;
  std::thread sender([&] {
    const auto own = store_->session(identity(alice_));
    for (; !over; ++arrived) {
      const auto done = must(store_->accept(acceptance("late", {{alice_, "Archive", "", 0}, {bob, "INBOX", "", 0}})));
      const auto size = snapshot(*own, archive_)->size();
      if (size > 100 && size < messages) ++odd;
      if (size >= messages && done.delivered[0].uid <= messages) ++odd;
    }
  });
  const auto done = transfer(CopyMode::copy);
  over = true;
  neighbour.join();
  sender.join();
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(done->to.count(), messages);
  EXPECT_EQ(odd, 0u);
  EXPECT_GT(neighbours, 5u);
  expect_counts(messages, messages + arrived);
}

TEST_F(BigCopies, AFullDiskTakesEverythingBack) {
  for (const CopyMode mode : {CopyMode::copy, CopyMode::move}) {
    disk_.at_commit(7, Then::fail);
    const auto done = transfer(mode);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, ErrorKind::no_space);
    expect_counts(messages, 0);
  }
  must(store_->accept(acceptance("later", {{alice_, "Archive", "", 0}})));
  ASSERT_TRUE(transfer(CopyMode::move));
  expect_counts(0, messages + 1);
}

TEST_F(BigCopies, RefusalsChangeNothing) {
  must(store_->accounts().set_account({.id = alice_, .enabled = true, .quota_messages = messages + 10}));
  EXPECT_EQ(transfer(CopyMode::copy).error().kind, ErrorKind::over_quota);
  expect_counts(messages, 0);
  EXPECT_EQ(error_of(session_->copy(inbox_, UidSet::all(), 9999, CopyMode::copy)), ErrorKind::not_found);
  must(session_->copy(inbox_, UidSet::all(), archive_, CopyMode::move));
  expect_counts(0, messages);
}

// A process killed at different commits: all is done or nothing, and a moved message is in one place. What was written to the log
// survives the process, so the last commit counts although its sync never came.
TEST_F(BigCopies, ACrashInTheMiddleLeavesNoHalf) {
  constexpr int slices = messages / sqlite::BigCopy::slice_rows;
  constexpr int last = 1 + slices + 1;  // one commit begins, one ends
  for (const auto& [commit, mode] : {std::pair{1, CopyMode::copy},
                                     {3, CopyMode::move},
                                     {12, CopyMode::copy},
                                     {last - 1, CopyMode::move},
                                     {last, CopyMode::move}}) {
    session_.reset();
    store_.reset();
    const pid_t child = ::fork();
    if (child == 0) {
      open();
      session();
      disk_.at_commit(commit, Then::die);
      [[maybe_unused]] const auto done = transfer(mode);
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 9) << "at commit " << commit;
    open();
    session();
    commit == last ? expect_counts(0, messages) : expect_counts(messages, 0);
  }
}

}  // namespace postern::store::test
