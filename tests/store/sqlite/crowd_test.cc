// SPDX-License-Identifier: Apache-2.0
// Many senders at once on a disk whose syncs take time: they share batches, which take in who comes back while they are under
// way. Each keeps what was acknowledged, once and whole, whatever fails beside it; ids of bodies are never used again.
#include <atomic>
#include <set>
#include <thread>

#include "async/task_group.h"
#include "store/sqlite/database.h"
#include "tests/store/fixture.h"

namespace postern::store::test {

namespace {

/// As slow as a disk for consumers. Counts what it syncs.
class PonderousDisk final : public sqlite::RealDisk {
 public:
  Result<> sync(int fd) override {
    ++segment_syncs;
    std::this_thread::sleep_for(latency);
    return RealDisk::sync(fd);
  }
  Result<> before_database_sync(sqlite::DatabaseFile file) override {
    if (file == sqlite::DatabaseFile::log) ++log_syncs;
    std::this_thread::sleep_for(latency);
    return broken ? fail(ErrorKind::io, "injected") : Result<>();
  }
  std::atomic<int> segment_syncs = 0;
  std::atomic<int> log_syncs = 0;
  std::atomic<bool> broken = false;

 private:
  static constexpr std::chrono::milliseconds latency{2};
};

constexpr int senders = 12;
constexpr int each = 12;

class CrowdTest : public testing::Test {
 protected:
  CrowdTest() {
    runtime_.start();
    open();
    for (int i = 0; i < senders; ++i) accounts_.push_back(add_account(*store_, fmt::format("u{}@example.org", i)));
    tight_ = add_account(*store_, "tight@example.org", 1);
  }
  void open() {
    store_.reset();
    store_ = real_.must_open(folder_ / "data", &disk_);
  }
  static std::string body(int sender, int message) {
    // Every eighth is large and gets a file of its own; segments of 1 MiB are begun in between.
    const std::size_t size = message % 8 == 7 ? 400'000 : 20'000;
    return fmt::format("{} {}\r\n", sender, message) + noise_of(static_cast<std::uint64_t>(sender * 100 + message), size);
  }
  /// To two mailboxes; every fifth also to an account without room, so that the whole message is refused; every seventh to a name
  /// that cannot be made, which is noticed when the first mailbox has its message already.
  static Acceptance order(const std::vector<AccountId>& accounts, AccountId tight, int sender, int message) {
    const AccountId own = accounts[static_cast<std::size_t>(sender)];
    const AccountId next = accounts[static_cast<std::size_t>((sender + 1) % senders)];
    auto out = acceptance(body(sender, message), {{own, "INBOX", "P: 1\r\n", 0}, {next, "Archive", "", 0}});
    if (message % 5 == 4) out.deliveries.push_back({tight, "INBOX", "", 0});
    if (message % 7 == 6) out.deliveries.push_back({own, std::string(5000, 'n'), "", 0});
    return out;
  }
  static bool refused(int message) { return message % 5 == 4 || message % 7 == 6; }

  async::Task<> send(int sender, std::atomic<int>& wrong) {
    ++wrong;  // until the end is reached
    for (int message = 0; message < each; ++message) {
      const auto done = co_await store_->accept(order(accounts_, tight_, sender, message));
      if (done.has_value() == refused(message)) ++wrong;
    }
    --wrong;
  }
  async::Task<> send_one(int sender, std::atomic<int>& accepted) {
    const auto done = co_await store_->accept(order(accounts_, tight_, sender, 0));
    accepted += done.has_value() ? 1 : 0;
  }
  void send_all() {
    std::atomic<int> wrong = 0;
    async::TaskGroup group(real_.log, "senders");
    for (int sender = 0; sender < senders; ++sender) {
      group.spawn(runtime_.executor(static_cast<std::size_t>(sender % 2)), send(sender, wrong));
    }
    ASSERT_TRUE(group.join(std::chrono::seconds(60)));
    EXPECT_EQ(wrong, 0);
  }
  void expect_all_once() {
    for (int sender = 0; sender < senders; ++sender) {
      const auto session = store_->session(identity(accounts_[static_cast<std::size_t>(sender)]));
      const auto box = inbox(*session);
      std::multiset<std::string> got;
      std::multiset<std::string> wanted;
      for (Uid next = 1; next <= box.uidnext; ++next) {
        const auto some = must(session->read(box.id, UidSet{{next, box.uidnext}}, {1 << 20, 1 << 20}));
        for (const auto& text : some.texts) got.insert(text.octets);
        next = std::min(some.through, box.uidnext);
      }
      for (int message = 0; message < each; ++message) {
        if (!refused(message)) wanted.insert("P: 1\r\n" + body(sender, message));
      }
      EXPECT_TRUE(got == wanted) << sender << ": " << got.size() << " of " << wanted.size();
      EXPECT_EQ(must(session->status("Archive")).messages, wanted.size());
    }
    EXPECT_EQ(must(store_->audit()), std::vector<std::string>());
  }

  const Folder folder_;
  PonderousDisk disk_;
  Real real_;
  async::Runtime runtime_{2};  // before the store, whose writer may still be posting when the last sender has its answer
  std::unique_ptr<sqlite::SqliteStore> store_;
  std::vector<AccountId> accounts_;
  AccountId tight_ = 0;
};

}  // namespace

TEST_F(CrowdTest, SharesSyncsAndLosesNothing) {
  const int before = disk_.log_syncs;
  send_all();
  // One sync for each message would be 144; a message of a lone sender is a batch of its own.
  EXPECT_LT(disk_.log_syncs - before, senders * each / 2);
  expect_all_once();
  open();
  expect_all_once();
}

// A sync of the log that fails after batches have taken in others: nobody of that batch is told "done".
TEST_F(CrowdTest, AFailedSyncRefusesTheWholeBatch) {
  disk_.broken = true;
  std::atomic<int> accepted = 0;
  async::TaskGroup group(real_.log, "senders");
  for (int sender = 0; sender < senders; ++sender) {
    group.spawn(runtime_.executor(static_cast<std::size_t>(sender % 2)), send_one(sender, accepted));
  }
  ASSERT_TRUE(group.join(std::chrono::seconds(60)));
  EXPECT_EQ(accepted, 0);
  disk_.broken = false;
  open();
  for (const AccountId account : accounts_) {
    EXPECT_EQ(inbox(*store_->session(identity(account))).messages, 0u);
  }
  EXPECT_EQ(must(store_->audit()), std::vector<std::string>());
}

TEST_F(CrowdTest, IdsOfBodiesAreNeverUsedAgain) {
  const auto newest = [this] {
    const auto db = sqlite::Database::open({folder_ / "data/mail.db", sqlite::Database::Mode::read_only}).value();
    return db->integer(0, "SELECT max(id) FROM blob");
  };
  std::int64_t last = 0;
  for (int round = 0; round < 4; ++round) {
    const auto session = store_->session(identity(accounts_[0]));
    const auto box = inbox(*session).id;
    must(store_->accept(acceptance("one", {{accounts_[0], "INBOX", "", 0}})));
    EXPECT_GT(newest(), last);
    last = newest();
    must(session->expunge(box, UidSet::all(), ExpungeMode::any));
    real_.clock.advance(std::chrono::hours(24 * 15));
    must(store_->reap());
    EXPECT_EQ(newest(), 0) << "the row with the highest id is gone";
    if (round % 2 == 1) open();
  }
}

}  // namespace postern::store::test
