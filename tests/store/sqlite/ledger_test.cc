// SPDX-License-Identifier: Apache-2.0
// state.db on a disk: what was noted outlives the server, and nothing that happens to the file stops it.
#include "store/sqlite/ledger.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "store/guard_book.h"
#include "store/sqlite/ledger_file.h"
#include "store/sqlite/schema.h"
#include "tests/store/fixture.h"

namespace postern::store::sqlite {
namespace {

namespace fs = std::filesystem;
using test::Folder;
using test::must;
using test::wait;

class LedgerTest : public testing::Test {
 protected:
  std::unique_ptr<Ledger> open() { return open_ledger(folder_.path(), {clock_, log_, metrics_}); }
  fs::path file() const { return folder_.path() / "state.db"; }
  static GuardChanges one_ban(std::string network) { return {.bans = {BanRow{.network = std::move(network), .since = 1}}}; }
  static std::size_t bans(Ledger& ledger) { return ledger.guard().recall().value().bans.size(); }
  bool logged(std::string_view text) const {
    return std::ranges::any_of(lines_, [&](const auto& line) { return line.find(text) != std::string::npos; });
  }
  std::vector<fs::path> broken() const {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      if (entry.path().filename().string().find(".broken-") != std::string::npos) out.push_back(entry.path());
    }
    return out;
  }
  void overwrite(std::uintmax_t from, std::size_t octets) const {
    std::fstream stream(file(), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(from));
    stream << std::string(octets, 'x');
  }

  Folder folder_;
  FakeClock clock_;
  std::vector<std::string> lines_;
  Log log_{LogLevel::info, [this](LogLevel, std::string_view line) { lines_.emplace_back(line); }};
  Metrics metrics_;
};

TEST_F(LedgerTest, OutlivesTheServer) {
  {
    auto ledger = open();
    ledger->guard().note(one_ban("192.0.2.1/32"));
    ledger->close();
  }
  EXPECT_EQ(bans(*open()), 1U);
  EXPECT_EQ(fs::status(file()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_TRUE(broken().empty());
}

TEST_F(LedgerTest, AFileOfNonsenseIsPutAside) {
  std::ofstream(file()) << std::string(8192, 'x');
  EXPECT_EQ(bans(*open()), 0U);
  ASSERT_EQ(broken().size(), 1U);
  EXPECT_EQ(fs::file_size(broken().front()), 8192U);
  EXPECT_TRUE(logged("put aside"));
  must(open()->guard().save(one_ban("192.0.2.1/32")));
  EXPECT_EQ(bans(*open()), 1U);
}

TEST_F(LedgerTest, DamageInsideIsFoundAtTheStart) {
  must(open()->guard().save(one_ban("192.0.2.1/32")));
  overwrite(4096, fs::file_size(file()) - 4096);
  EXPECT_EQ(bans(*open()), 0U);
  EXPECT_EQ(broken().size(), 1U);
}

TEST_F(LedgerTest, ANewerFileIsKeptForTheNewerProgram) {
  open();
  {
    auto db = Database::open({file()}).value();
    db->script("PRAGMA user_version=1000");
  }
  EXPECT_EQ(bans(*open()), 0U);
  EXPECT_EQ(broken().size(), 1U);
}

TEST_F(LedgerTest, WithoutAFileThereIsMemory) {
  fs::create_directory(file());
  auto ledger = open();
  must(ledger->guard().save(one_ban("192.0.2.1/32")));
  EXPECT_EQ(bans(*ledger), 1U);
  EXPECT_TRUE(logged("kept in memory"));
  EXPECT_FALSE(fs::exists(":memory:"));
}

TEST_F(LedgerTest, DamageWhileItRunsIsHandledTheSameWay) {
  LedgerFile file({folder_.path(), clock_, log_, metrics_});
  file.post([](Database&) { throw SqlError{{ErrorKind::corrupt, "database disk image is malformed"}}; });
  const auto after =
      file.run_now<std::int64_t>([](Database& db) -> Result<std::int64_t> { return db.integer(-1, "SELECT count(*) FROM ban"); });
  ASSERT_TRUE(after) << after.error().text;
  EXPECT_EQ(*after, 0);
  EXPECT_EQ(broken().size(), 1U);
}

TEST_F(LedgerTest, AFailingPieceUndoesItselfAlone) {
  LedgerFile file({folder_.path(), clock_, log_, metrics_});
  std::promise<void> hold;
  file.post([&hold](Database&) { hold.get_future().wait(); });  // so that the rest is one transaction
  const auto add = [](std::string key) {
    return [key](Database& db) { db.run("INSERT INTO tally VALUES (1,?1,0,0,0,0,0,0,0,0,0,'',0,0)", key); };
  };
  file.post(add("one"));
  file.post([add](Database& db) {
    add("half")(db);
    throw SqlError{{ErrorKind::no_space, "disk full"}};
  });
  file.post(add("two"));
  hold.set_value();
  const auto count = file.run_now<std::int64_t>(
      [](Database& db) -> Result<std::int64_t> { return db.integer(0, "SELECT count(*) FROM tally"); });
  ASSERT_TRUE(count) << count.error().text;
  EXPECT_EQ(*count, 2);
  EXPECT_TRUE(logged("was not written"));
  const auto refused = file.run_now<int>([](Database&) -> Result<int> { return fail(ErrorKind::not_found, "no"); });
  EXPECT_EQ(refused.error().kind, ErrorKind::not_found);
}

TEST_F(LedgerTest, ThousandsOfNotesFromManyThreads) {
  auto ledger = open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&ledger, t] {
      for (int i = 0; i < 1000; ++i) {
        ledger->guard().note({.tallies = {{.key = fmt::format("{}-{}", t, i), .since = 1}}});
      }
    });
  }
  for (auto& thread : threads) thread.join();
  must(ledger->settle());
  EXPECT_EQ(ledger->guard().recall().value().tallies.size(), 4000U);
}

}  // namespace
}  // namespace postern::store::sqlite
