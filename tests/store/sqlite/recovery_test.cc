// SPDX-License-Identifier: Apache-2.0
// Crashes: a child process writes and is killed; the parent opens what is left. Every acknowledged message must be there with
// its bytes, no UID is given twice, and nothing half-written shows (design.md §3, states S1–S5).
#include "store/sqlite/recovery.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <set>
#include <thread>

#include "tests/store/faulty_disk.h"
#include "tests/store/fixture.h"

namespace postern::store::test {

namespace {

/// The body tells its own name, so that a mixed-up one is seen.
std::string body_named(std::uint32_t name) {
  std::mt19937 random(name);
  std::string out = std::to_string(name) + "\r\n";
  const std::size_t size = name % 50 == 0 ? 1'200'000 : random() % 20'000;
  while (out.size() < size) out += static_cast<char>('a' + random() % 26);
  return out;
}

/// What the child writes to the pipe for each acknowledged message.
struct Note {
  std::uint32_t uid;
  std::uint32_t name;
};

/// Four producers, until killed.
[[noreturn]] void write_until_killed(const std::filesystem::path& folder, AccountId alice, int pipe, std::uint32_t first_name) {
  Real real;
  const auto store = real.must_open(folder);
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint32_t name = first_name + t;; name += 4) {
        const auto done = wait(store->accept(acceptance(body_named(name), {{alice, "INBOX", "", 0}})));
        if (!done) ::_exit(1);
        const Note note{done->delivered[0].uid, name};
        if (::write(pipe, &note, sizeof note) != sizeof note) ::_exit(2);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  ::_exit(0);
}

class Crash : public testing::Test {
 protected:
  void SetUp() override {
    const auto store = real_.must_open(folder_.path());
    alice_ = add_account(*store, "alice@example.org");
  }

  /// One child, killed after so many acknowledgements.
  void crash_after(std::size_t acknowledgements, std::uint32_t first_name) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    if (child == 0) write_until_killed(folder_.path(), alice_, ends[1], first_name);
    ::close(ends[1]);
    Note note{};
    std::size_t seen = 0;
    while (::read(ends[0], &note, sizeof note) == sizeof note) {
      EXPECT_TRUE(acknowledged_.emplace(note.uid, note.name).second) << "a UID was given twice";
      if (++seen == acknowledgements) ::kill(child, SIGKILL);
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "exit " << WEXITSTATUS(status);
  }

  void check() {
    const auto store = real_.must_open(folder_.path());
    const auto session = store->session(identity(alice_));
    const MailboxId box = inbox(*session).id;
    for (const auto& [uid, name] : acknowledged_) {
      auto reader = wait(session->body(box, uid));
      ASSERT_TRUE(reader) << "lost uid " << uid << ": " << reader.error().text;
      ASSERT_EQ(read_all(**reader), body_named(name));
    }
    const auto rows = snapshot(*session, box);
    for (std::size_t i = 0; i < rows->size(); ++i) read_all(*must(session->body(box, rows->row(i).uid)));
    EXPECT_EQ(must(store->audit()), std::vector<std::string>());
  }

  /// Zeroes the segment behind the watermark: the index was durable, the bodies were not.
  void cut_power() {
    const auto db = sqlite::Database::open({folder_ / "mail.db", sqlite::Database::Mode::read_write}).value();
    const auto segment = db->integer(0, "SELECT v FROM sys WHERE k='watermark_segment'");
    const auto offset = db->integer(0, "SELECT v FROM sys WHERE k='watermark_offset'");
    const auto path = folder_.path() / "seg" / fmt::format("{:010}.seg", segment);
    if (!std::filesystem::exists(path)) return;
    const auto size = std::filesystem::file_size(path);
    std::filesystem::resize_file(path, static_cast<std::uintmax_t>(offset));
    std::filesystem::resize_file(path, size);
    torn_ = static_cast<std::size_t>(db->integer(0,
                                                 "SELECT count(*) FROM blob b JOIN segment s ON s.id=b.seg WHERE s.kind=0 AND "
                                                 "b.len>0 AND (b.seg>?1 OR (b.seg=?1 AND b.off>=?2))",
                                                 segment, offset));
  }

  Folder folder_;
  Real real_;
  AccountId alice_ = 0;
  std::map<Uid, std::uint32_t> acknowledged_;
  std::size_t torn_ = 0;
};

}  // namespace

TEST_F(Crash, KilledAnywhereLosesNothingAcknowledged) {
  std::mt19937 random(3);
  for (std::uint32_t round = 0; round < 5; ++round) {
    crash_after(1 + random() % 120, 1 + round * 100'000);
    check();
  }
  EXPECT_GT(acknowledged_.size(), 5u);
}

// A batch whose rows are durable and whose bodies are not was never acknowledged: it is expunged, with MODSEQ and VANISHED.
TEST_F(Crash, TornBodiesOfTheLastBatchAreExpunged) {
  const auto store = real_.must_open(folder_.path());
  const auto session = store->session(identity(alice_));
  must(store->accept(acceptance("safe", {{alice_, "INBOX", "", 0}})));
  const auto before = inbox(*session);
  auto last = acceptance("torn", {{alice_, "INBOX", "", 0}, {alice_, "Junk", "", flag::deleted}});
  last.enqueue = QueueEntry{};
  last.enqueue->recipients = {recipient("x@elsewhere.example", 0)};
  must(store->accept(std::move(last)));
  // The folder as a power cut would leave it: copied while the store is open, so without a clean end.
  const Folder copy;
  std::filesystem::copy(folder_.path(), copy / "data", std::filesystem::copy_options::recursive);
  store->close();
  {
    const auto db = sqlite::Database::open({copy / "data/mail.db", sqlite::Database::Mode::read_write}).value();
    const auto offset = db->integer(0, "SELECT v FROM sys WHERE k='watermark_offset'");
    EXPECT_GT(offset, 0);
    std::filesystem::resize_file(copy / "data/seg/0000000001.seg", static_cast<std::uintmax_t>(offset));
    std::filesystem::resize_file(copy / "data/seg/0000000001.seg", 1 << 18);
  }
  const auto after = real_.must_open(copy / "data");
  const auto again = after->session(identity(alice_));
  const auto info = inbox(*again);
  EXPECT_EQ(info.messages, 1u);
  EXPECT_EQ(info.uidnext, 3u);
  EXPECT_GT(info.highest, before.highest + 1);
  EXPECT_EQ(must(again->vanished_since(info.id, before.highest)).to_string(), "2");
  EXPECT_EQ(must(again->status("Junk")).messages, 0u);
  EXPECT_EQ(after->queue().depth(), 0u);
  EXPECT_TRUE(must(after->queue().list({})).empty());
  EXPECT_EQ(read_all(*must(again->body(info.id, 1))), "safe");
  EXPECT_EQ(after->quota(alice_).used_messages, 1u);
  EXPECT_EQ(must(after->audit()), std::vector<std::string>());
  must(after->accept(acceptance("next", {{alice_, "INBOX", "", 0}})));
  EXPECT_EQ(read_all(*must(again->body(info.id, 3))), "next");
}

TEST_F(Crash, RandomPowerCutsDropOnlyTheLastBatch) {
  std::mt19937 random(5);
  for (std::uint32_t round = 0; round < 4; ++round) {
    crash_after(1 + random() % 80, 1 + round * 100'000);
    cut_power();
    // The kernel kept what the batch's own sync made durable; after the cut those of the last batch are gone.
    const auto store = real_.must_open(folder_.path());
    EXPECT_EQ(must(store->audit()), std::vector<std::string>());
    const auto session = store->session(identity(alice_));
    const MailboxId box = inbox(*session).id;
    std::size_t missing = 0;
    std::erase_if(acknowledged_, [&](const auto& note) {
      auto reader = wait(session->body(box, note.first));
      if (reader) EXPECT_EQ(read_all(**reader), body_named(note.second));
      missing += !reader;
      return !reader;
    });
    EXPECT_LE(missing, torn_);
    const auto rows = snapshot(*session, box);
    for (std::size_t i = 0; i < rows->size(); ++i) read_all(*must(session->body(box, rows->row(i).uid)));
  }
}

TEST_F(Crash, FilesThatNoRowKnowsAreRemoved) {
  const auto orphan = folder_ / "seg/0000000042.seg";
  std::filesystem::copy_file(folder_ / "mail.db", orphan);
  std::filesystem::copy_file(folder_ / "mail.db", folder_ / "seg/notes.txt");
  const auto store = real_.must_open(folder_.path());
  EXPECT_FALSE(std::filesystem::exists(orphan));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "seg/notes.txt"));
  must(store->accept(acceptance("m", {{alice_, "INBOX", "", 0}})));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "seg/0000000043.seg"));  // ids are never used again
}

}  // namespace postern::store::test
