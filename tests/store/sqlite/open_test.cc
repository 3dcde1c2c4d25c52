// SPDX-License-Identifier: Apache-2.0
// Opening the real store: locks, damage, versions, rights, and what is there again after a clean end.
#include "store/sqlite/open.h"

#include <sys/stat.h>

#include <fstream>
#include <random>

#include "base/file.h"
#include "store/sqlite/database.h"
#include "store/sqlite/schema.h"
#include "tests/store/fixture.h"

namespace postern::store::test {

using sqlite::Database;

namespace {

unsigned rights(const std::filesystem::path& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777 : 0;
}

}  // namespace

TEST(Open, EverythingIsThereAgain) {
  const Folder folder;
  Real real;
  AccountId alice = 0;
  {
    const auto store = real.must_open(folder / "data");
    alice = add_account(*store, "alice@example.org", 1000, 10);
    auto work = acceptance("hello", {{alice, "INBOX", "P: 1\r\n", 0}});
    work.enqueue = QueueEntry{};
    work.enqueue->recipients = {recipient("x@elsewhere.example", 5)};
    must(store->accept(std::move(work)));
    must(store->queue().claim(10, std::chrono::hours(1), {}));
    must(store->credentials().set_password({0, alice, "password", "", "sealed", 1}));
    const auto session = store->session(identity(alice));
    must(session->store_flags(inbox(*session).id, UidSet::all(), {FlagChange::Mode::add, flag::seen, {"kw"}, {}}));
  }
  const auto store = real.must_open(folder / "data");
  const auto session = store->session(identity(alice));
  const auto info = inbox(*session);
  EXPECT_EQ(info.messages, 1u);
  EXPECT_EQ(read_all(*must(session->body(info.id, 1))), "P: 1\r\nhello");
  EXPECT_EQ(snapshot(*session, info.id)->keywords, (std::vector<std::string>{"kw"}));
  EXPECT_EQ(snapshot(*session, info.id)->row(0).flags, 257u);
  EXPECT_EQ(store->quota(alice).used_bytes, 11u);
  EXPECT_EQ(store->quota(alice).limit_bytes, 1000u);
  EXPECT_EQ(store->queue().depth(), 1u);
  EXPECT_EQ(must(store->queue().claim(10, std::chrono::hours(1), {})).size(), 1u);  // leases ended with the process
  EXPECT_EQ(must(store->credentials().get(alice)).size(), 1u);
  EXPECT_EQ(must(store->audit()), std::vector<std::string>());
}

TEST(Open, KeepsTheFolderPrivate) {
  const Folder folder;
  Real real;
  const auto store = real.must_open(folder / "data");
  const AccountId alice = add_account(*store, "alice@example.org");
  must(store->accept(acceptance("hello", {{alice, "INBOX", "", 0}})));
  EXPECT_EQ(rights(folder / "data"), 0700u);
  EXPECT_EQ(rights(folder / "data/seg"), 0700u);
  for (const char* name : {"mail.db", "mail.db-wal", "auth.db", "lock", "seg/0000000001.seg"}) {
    EXPECT_EQ(rights(folder.path() / "data" / name), 0600u) << name;
  }
}

TEST(Open, OnlyOneAtATime) {
  const Folder folder;
  Real real;
  auto first = real.must_open(folder / "data");
  const auto second = real.open({.data_dir = folder / "data"});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::conflict);
  EXPECT_NE(second.error().text.find(std::to_string(::getpid())), std::string::npos) << second.error().text;
  first->close();
  EXPECT_TRUE(real.open({.data_dir = folder / "data"}));
}

TEST(Open, RefusesANewerSchema) {
  const Folder folder;
  Real real;
  real.must_open(folder / "data").reset();
  {
    const auto db = Database::open({folder / "data/mail.db", Database::Mode::read_write}).value();
    db->script("PRAGMA user_version=99");
  }
  const auto store = real.open({.data_dir = folder / "data"});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, ErrorKind::unsupported);
  EXPECT_NE(store.error().text.find("99"), std::string::npos);
  EXPECT_EQ(store.error().text.find('\n'), std::string::npos);
}

TEST(Open, SaysWhenADatabaseIsDamaged) {
  for (const char* name : {"mail.db", "auth.db"}) {
    const Folder folder;
    Real real;
    real.must_open(folder / "data").reset();
    const auto path = folder.path() / "data" / name;
    std::ofstream(path, std::ios::binary) << std::string(8192, 'x');
    const auto store = real.open({.data_dir = folder / "data"});
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().kind, ErrorKind::corrupt);
    EXPECT_NE(store.error().text.find(path.string()), std::string::npos) << store.error().text;
    EXPECT_NE(store.error().text.find("backup"), std::string::npos) << store.error().text;
  }
}

// security.md D96: damage inside a database gives errors, not crashes, and never ends the process.
TEST(Open, SurvivesDamageAnywhere) {
  const Folder folder;
  Real real;
  AccountId alice = 0;
  {
    const auto store = real.must_open(folder / "whole");
    alice = add_account(*store, "alice@example.org");
    for (int i = 0; i < 60; ++i) {
      auto work = acceptance("body " + std::to_string(i), {{alice, "INBOX", "P: 1\r\n", 0}});
      work.enqueue = QueueEntry{};
      work.enqueue->recipients = {recipient("x@elsewhere.example", 5)};
      must(store->accept(std::move(work)));
    }
  }
  std::mt19937 random(9);
  const auto size = std::filesystem::file_size(folder / "whole/mail.db");
  for (int round = 0; round < 25; ++round) {
    std::filesystem::remove_all(folder / "data");
    std::filesystem::copy(folder / "whole", folder / "data", std::filesystem::copy_options::recursive);
    {
      std::fstream file(folder / "data/mail.db", std::ios::in | std::ios::out | std::ios::binary);
      for (int i = 0; i < 40; ++i) {
        file.seekp(static_cast<std::streamoff>(100 + random() % (size - 100)));
        file.put(static_cast<char>(random()));
      }
    }
    auto store = real.open({.data_dir = folder / "data"});
    if (!store) continue;
    const auto session = (*store)->session(identity(alice));
    for (MailboxId box = 1; box < 7; ++box) {
      wait(session->open(box));
      wait(session->info(box, UidSet::all(), static_cast<MetaFields>(7)));
      wait(session->vanished_since(box, 0));
      for (Uid uid = 1; uid < 61; uid += 20) wait(session->body(box, uid));
    }
    wait(session->list());
    wait((*store)->accept(acceptance("more", {{alice, "INBOX", "", 0}})));
    wait((*store)->queue().list({}));
    wait((*store)->queue().claim(100, std::chrono::seconds(1), {}));
    wait((*store)->audit());
  }
}

TEST(Open, SaysWhenTheParentIsMissing) {
  const Folder folder;
  Real real;
  EXPECT_EQ(real.open({.data_dir = folder / "no/data"}).error().kind, ErrorKind::not_found);
}

// security.md D97
TEST(Open, FollowsNoPlantedLink) {
  const Folder folder;
  Real real;
  std::filesystem::create_directory(folder / "data");
  std::ofstream(folder / "victim") << "";
  std::filesystem::create_symlink(folder / "victim", folder / "data/mail.db");
  EXPECT_FALSE(real.open({.data_dir = folder / "data"}));
  EXPECT_EQ(std::filesystem::file_size(folder / "victim"), 0u);
}

// security.md D95
TEST(Database, RefusesToReachOutside) {
  const Folder folder;
  const auto db = Database::open({folder / "x.db", Database::Mode::read_write}).value();
  EXPECT_THROW(db->script("ATTACH '/tmp/other.db' AS other"), sqlite::SqlError);
  EXPECT_THROW(db->script("SELECT load_extension('x')"), sqlite::SqlError);
  EXPECT_THROW(db->script("VACUUM INTO '/tmp/other.db'"), sqlite::SqlError);
}

TEST(Database, BindsWhatItIsGiven) {
  const Folder folder;
  const auto db = Database::open({folder / "x.db", Database::Mode::read_write}).value();
  db->script("CREATE TABLE t (a, b, c)");
  const std::string hostile("'; DROP TABLE t; --\0x", 21);
  db->run("INSERT INTO t VALUES (?1,?2,?3)", hostile, sqlite::Blob{std::string_view("\xff\0", 2)}, UINT64_C(1) << 62);
  auto row = db->query("SELECT a, b, c, typeof(a), typeof(b) FROM t");
  ASSERT_TRUE(row.step());
  EXPECT_EQ(row.text(0), hostile);
  EXPECT_EQ(row.text(1), std::string_view("\xff\0", 2));
  EXPECT_EQ(row.unsigned_integer(2), UINT64_C(1) << 62);
  EXPECT_EQ(row.text(3), "text");
  EXPECT_EQ(row.text(4), "blob");
}

TEST(Schema, UpgradesStepByStepAndKeepsACopy) {
  const Folder folder;
  Log log{LogLevel::off, null_sink()};
  const auto path = folder / "x.db";
  const auto db = Database::open({path, Database::Mode::read_write}).value();
  const std::array<const char*, 2> steps{"CREATE TABLE a (x); INSERT INTO a VALUES (1);",
                                         "ALTER TABLE a ADD COLUMN y DEFAULT 7;"};
  ASSERT_TRUE(sqlite::migrate(*db, path, std::span(steps).first(1), log));
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".before-2"));
  ASSERT_TRUE(sqlite::migrate(*db, path, steps, log));
  EXPECT_EQ(db->integer(0, "SELECT y FROM a"), 7);
  EXPECT_EQ(db->integer(0, "PRAGMA user_version"), 2);
  const auto copy = Database::open({path.string() + ".before-2", Database::Mode::read_write}).value();
  EXPECT_EQ(copy->integer(0, "SELECT x FROM a"), 1);
  EXPECT_EQ(copy->integer(0, "PRAGMA user_version"), 1);
  const std::array<const char*, 3> broken{steps[0], steps[1], "CREATE TABLE b (x); nonsense"};
  EXPECT_FALSE(sqlite::migrate(*db, path, broken, log));
  EXPECT_EQ(db->integer(0, "PRAGMA user_version"), 2);
  EXPECT_EQ(db->integer(0, "SELECT count(*) FROM sqlite_schema WHERE name='b'"), 0);
}

}  // namespace postern::store::test
