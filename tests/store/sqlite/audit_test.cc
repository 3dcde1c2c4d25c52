// SPDX-License-Identifier: Apache-2.0
// The audit: every counter and reference is broken by SQL once; what other rows prove is repaired, the rest is told.
#include "store/sqlite/audit.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>

#include "base/file.h"
#include "store/sqlite/housekeeper.h"
#include "tests/store/sqlite/care_fixture.h"

namespace postern::store::test {

class AuditTest : public CareTest {
 protected:
  void SetUp() override {
    fill(12);
    auto queued = acceptance(noise_of(100, 5000), {});
    queued.enqueue = QueueEntry{};
    queued.enqueue->recipients = {recipient("x@elsewhere.example", 0)};
    must(store_->accept(std::move(queued)));
    must(session()->expunge(box_, UidSet{{12, 12}}, ExpungeMode::any));
    must(session()->store_flags(box_, UidSet{{1, 2}}, {FlagChange::Mode::add, flag::seen | flag::deleted, {"kw"}, {}}));
    must(session()->subscribe("INBOX", true));
    must(session()->create("Empty", SpecialUse::none));
    forget(UidSet{{11, 11}});
    must(session()->expunge(box_, UidSet{{10, 10}}, ExpungeMode::any));
  }
  void break_with(const std::string& text) {
    store_.reset();
    sql(text);
    open();
  }
  static bool tells(const JobState& state, std::string_view check) {
    return std::any_of(state.findings.begin(), state.findings.end(), [&](const Finding& one) { return one.check == check; });
  }
  static std::string all(const JobState& state) {
    std::string out;
    for (const auto& one : state.findings) out += one.check + ": " + one.text + "\n";
    return out;
  }
};

struct Break {
  const char* check;
  const char* sql;
};

TEST_F(AuditTest, FindsNothingInAWholeStore) {
  const auto state = audit_job(*store_);
  EXPECT_EQ(state.phase, JobState::Phase::done) << state.error;
  EXPECT_EQ(all(state), "");
  EXPECT_EQ(state.bodies_read, 11u);
  EXPECT_GT(state.bytes_read, 10 * body_bytes);
}

TEST_F(AuditTest, RepairsWhatOtherRowsProve) {
  const std::vector<Break> breaks{
      {"mailbox counters", "UPDATE mailbox SET messages=messages+3 WHERE name='INBOX'"},
      {"mailbox counters", "UPDATE mailbox SET messages=0 WHERE name='INBOX'"},
      {"mailbox counters", "UPDATE mailbox SET unseen=unseen+1 WHERE name='INBOX'"},
      {"mailbox counters", "UPDATE mailbox SET deleted=7 WHERE name='Empty'"},
      {"mailbox counters", "UPDATE mailbox SET bytes=bytes-1 WHERE name='INBOX'"},
      {"mailbox bounds", "UPDATE mailbox SET uidnext=3 WHERE name='INBOX'"},
      {"mailbox bounds", "UPDATE mailbox SET highest=1 WHERE name='INBOX'"},
      {"quota", "UPDATE account SET used_bytes=used_bytes+1000000"},
      {"quota", "UPDATE account SET used_messages=0"},
      {"references", "UPDATE blob SET refs=refs+1 WHERE id=1"},
      {"references", "UPDATE blob SET refs=0 WHERE id=2"},
      {"references", "INSERT INTO blob(seg, off, len, osize, codec, refs, sum) VALUES (1, 999999, 5, 5, 0, 1, 0)"},
      {"dead octets", "UPDATE segment SET dead=dead+100 WHERE id=1"},
      {"dead octets", "UPDATE segment SET dead=-5 WHERE id=1"},
      {"dead octets", "UPDATE segment SET dead=99999999 WHERE id=1"},
      {"segments", "UPDATE segment SET bytes=5 WHERE id=1"},
      {"segments", "UPDATE segment SET bytes=99999999 WHERE id=1"},
      {"segments", "UPDATE segment SET state=2 WHERE id=1"},
      {"cached structure without message", "INSERT INTO msgmeta(id) VALUES ((SELECT max(id)+5 FROM message))"},
      {"keywords without mailbox", "INSERT INTO keyword VALUES (99, 8, 'lost')"},
      {"vanished without mailbox", "INSERT INTO vanished(mailbox, modseq, lo, hi) VALUES (99, 1, 1, 1)"},
      {"subscription without account", "INSERT INTO subscription VALUES (99, 'INBOX')"},
      {"rights without account", "INSERT INTO send_as VALUES (99, 'x@example.org')"},
      {"recipient without queued message", "UPDATE queue_rcpt SET queue=queue+50"},
  };
  std::filesystem::path whole = folder_ / "whole";
  store_.reset();
  std::filesystem::copy(data(), whole, std::filesystem::copy_options::recursive);
  for (const auto& one : breaks) {
    std::filesystem::remove_all(data());
    std::filesystem::copy(whole, data(), std::filesystem::copy_options::recursive);
    break_with(one.sql);
    const auto told = run_job(*store_, {.repair = false, .bodies = true});
    EXPECT_TRUE(tells(told, one.check)) << one.sql << "\n" << all(told);
    EXPECT_EQ(told.repaired, 0u);
    const auto repaired = audit_job(*store_);
    EXPECT_GT(repaired.repaired, 0u) << one.sql << "\n" << all(repaired);
    const auto after = audit_job(*store_);
    if (std::string_view(one.check) != "recipient without queued message") EXPECT_EQ(all(after), "") << one.sql;
    store_.reset();
    open();
    EXPECT_EQ(number("SELECT messages FROM mailbox WHERE name='INBOX'"), 9) << one.sql;
    EXPECT_EQ(number("SELECT used_messages FROM account"), 9) << one.sql;
    for (const Uid uid : {1u, 9u, 10u}) EXPECT_TRUE(wait(session()->body(box_, uid))) << one.sql << uid;
    store_.reset();
  }
}

TEST_F(AuditTest, TellsWhatItCannotRepair) {
  const std::vector<Break> breaks{
      {"message without body", "UPDATE message SET blob=99999 WHERE id=(SELECT min(id) FROM message)"},
      {"message without body", "DELETE FROM blob WHERE id=3"},
      {"message without mailbox", "UPDATE message SET id=(98<<32)+1 WHERE id=(SELECT min(id) FROM message)"},
      {"message without cached structure", "DELETE FROM msgmeta WHERE id=(SELECT min(id) FROM message)"},
      {"size of message", "UPDATE message SET size=size+1 WHERE id=(SELECT min(id) FROM message)"},
      {"keywords", "DELETE FROM keyword"},
      {"mailbox without account", "UPDATE mailbox SET account=99 WHERE name='Empty'"},
      {"address without account", "INSERT INTO address VALUES ('x@example.org', 99, '')"},
      {"body without segment", "UPDATE blob SET seg=98 WHERE id=3"},
      {"queued message without open recipient", "UPDATE queue_rcpt SET state=2"},
      {"message without body", "UPDATE queue SET blob=99999"},
      {"bodies", "UPDATE blob SET sum=sum+1 WHERE id=3"},
      {"bodies", "UPDATE blob SET off=off+1 WHERE id=3"},
      {"domain of account", "UPDATE account SET domain='elsewhere.example'"},
  };
  std::filesystem::path whole = folder_ / "whole";
  store_.reset();
  std::filesystem::copy(data(), whole, std::filesystem::copy_options::recursive);
  for (const auto& one : breaks) {
    std::filesystem::remove_all(data());
    std::filesystem::copy(whole, data(), std::filesystem::copy_options::recursive);
    break_with(one.sql);
    audit_job(*store_);
    const auto left = audit_job(*store_);
    EXPECT_TRUE(tells(left, one.check)) << one.sql << "\n" << all(left);
    EXPECT_EQ(left.repaired, 0u) << one.sql << "\n" << all(left);
    // Whatever is wrong with the rows, the body itself was not thrown away.
    EXPECT_EQ(number("SELECT count(*) FROM blob"), std::string_view(one.sql).starts_with("DELETE FROM blob") ? 10 : 11)
        << one.sql;
    store_.reset();
  }
}

TEST_F(AuditTest, TellsOfFilesThatAreMissingShortOrNobodys) {
  const auto file = data() / "seg/0000000001.seg";
  std::filesystem::copy_file(file, data() / "seg/0000000055.seg");
  const auto fresh = audit_job(*store_);
  EXPECT_EQ(all(fresh), "");  // it may be on its way into the index
  std::filesystem::rename(file, folder_ / "away");
  EXPECT_TRUE(tells(audit_job(*store_), "missing file"));
  std::filesystem::rename(folder_ / "away", file);
  store_.reset();
  std::filesystem::resize_file(file, 300'000);
  open();
  EXPECT_TRUE(tells(audit_job(*store_), "short file"));
  EXPECT_TRUE(tells(audit_job(*store_), "bodies"));
}

TEST_F(AuditTest, TellsOfADamagedIndex) {
  store_.reset();
  sql("CREATE INDEX extra ON message (blob); CREATE INDEX more ON message (size)");
  {
    // One index gets the root page of the other.
    const auto db = sqlite::Database::open({data() / "mail.db", sqlite::Database::Mode::read_write}).value();
    const auto page = static_cast<std::uint64_t>(db->integer(0, "SELECT rootpage FROM sqlite_schema WHERE name='extra'"));
    const UniqueFd file(::open((data() / "mail.db").c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(write_all_at(file.get(), std::string(60, '\xee'), (page - 1) * 4096 + 4030));
  }
  open();
  const auto state = audit_job(*store_);
  EXPECT_TRUE(tells(state, "structure") || state.phase == JobState::Phase::failed) << all(state);
}

TEST_F(AuditTest, NightlyReadsEverythingWithinItsPeriod) {
  store_.reset();
  auto options = quick_options(data());
  options.housekeeping.audit_bodies = std::chrono::hours(24 * 3);
  store_ = std::move(real_.open(options).value());
  for (Uid uid = 0; uid < 40; ++uid) {
    must(store_->accept(acceptance(noise_of(1000 + uid, body_bytes), {{alice_, "INBOX", "", 0}})));
  }
  std::uint64_t bodies = 0;
  for (int night = 0; night < 4; ++night) {
    const auto state = run_job(*store_, {.nightly = true});
    EXPECT_EQ(all(state), "");
    EXPECT_GT(state.bodies_read, 0u);
    EXPECT_LT(state.bodies_read, 45u);
    bodies += state.bodies_read;
    real_.clock.advance(std::chrono::hours(24));
  }
  EXPECT_GE(bodies, 50u);
  EXPECT_EQ(number("SELECT count(*) FROM segment WHERE state=1 AND verified=0"), 0);
  const auto info = must(store_->upkeep()->look());
  EXPECT_GT(info.last_audit, 0);
  EXPECT_EQ(info.last_audit_findings, 0u);
}

TEST_F(AuditTest, LooksInside) {
  const auto info = must(store_->upkeep()->look());
  EXPECT_EQ(info.accounts, 1u);
  EXPECT_EQ(info.messages, 9u);
  EXPECT_EQ(info.undelete_messages, 1u + 0u);
  EXPECT_EQ(info.queue, 1u);
  EXPECT_EQ(info.schema, 2u);
  EXPECT_GT(info.segment_bytes, 11 * body_bytes);
  EXPECT_GT(info.dead_bytes, body_bytes - 1);
  ASSERT_FALSE(info.segments.empty());
  EXPECT_EQ(info.next_audit, 0);

  const auto rows = must(store_->upkeep()->dump({.mailbox = box_, .uid = 3}));
  std::vector<std::string> tables;
  std::int64_t segment = 0;
  std::int64_t offset = 0;
  for (const auto& row : rows) {
    tables.push_back(row.table);
    for (const auto& [name, value] : row.columns) {
      if (row.table == "blob" && name == "seg") segment = std::get<std::int64_t>(value);
      if (row.table == "blob" && name == "off") offset = std::get<std::int64_t>(value);
    }
  }
  EXPECT_EQ(tables, (std::vector<std::string>{"message", "msgmeta", "blob", "segment"}));
  const auto record = must(
      store_->upkeep()->dump({.segment = static_cast<std::uint64_t>(segment), .offset = static_cast<std::uint64_t>(offset)}));
  ASSERT_GE(record.size(), 4u);
  EXPECT_EQ(record[1].table, "record");
  const auto fits = std::find_if(record[1].columns.begin(), record[1].columns.end(),
                                 [](const auto& column) { return column.first == "checksum_fits"; });
  EXPECT_EQ(std::get<std::string>(fits->second), "yes");
  EXPECT_GE(must(store_->upkeep()->dump({.account = "alice@example.org"})).size(), 3u);
  EXPECT_EQ(error_of(store_->upkeep()->dump({.account = "bob@example.org"})), ErrorKind::not_found);
  EXPECT_EQ(error_of(store_->upkeep()->dump({.mailbox = 77})), ErrorKind::not_found);
  EXPECT_EQ(error_of(store_->upkeep()->dump({})), ErrorKind::invalid);
  EXPECT_EQ(error_of(store_->upkeep()->dump({.segment = 1, .offset = 17})), ErrorKind::not_found);
}

TEST_F(AuditTest, JobsEndWithTheStore) {
  store_.reset();
  auto options = quick_options(data());
  options.housekeeping.rate = 1;  // it would take days
  store_ = std::move(real_.open(options).value());
  const auto id = store_->upkeep()->start({.bodies = true}).value();
  store_->close();
  EXPECT_EQ(store_->upkeep()->job(id)->phase, JobState::Phase::stopped);
  EXPECT_EQ(store_->upkeep()->start({}).error().kind, ErrorKind::unavailable);
}

TEST(NextTimeOfDay, IsTheNextOne) {
  const char* before = std::getenv("TZ");
  const std::string kept = before ? before : "";
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  constexpr UnixTime midnight = 1'800'057'600;  // 2027-01-16
  EXPECT_EQ(sqlite::next_time_of_day(midnight, "03:30"), midnight + 12'600);
  EXPECT_EQ(sqlite::next_time_of_day(midnight + 12'600, "03:30"), midnight + 86'400 + 12'600);
  EXPECT_EQ(sqlite::next_time_of_day(midnight + 20'000, "00:00"), midnight + 86'400);
  EXPECT_EQ(sqlite::next_time_of_day(midnight, ""), std::nullopt);
  before ? ::setenv("TZ", kept.c_str(), 1) : ::unsetenv("TZ");
  ::tzset();
}

}  // namespace postern::store::test
