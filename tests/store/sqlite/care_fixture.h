// SPDX-License-Identifier: Apache-2.0
// What the tests of housekeeping share: a store with several small segments, jobs run to their end, SQL on a closed store.
#pragma once

#include <thread>

#include "store/sqlite/database.h"
#include "store/upkeep.h"
#include "tests/store/faulty_disk.h"
#include "tests/store/fixture.h"

namespace postern::store::test {

/// Runs a job to its end.
inline JobState run_job(sqlite::SqliteStore& store, JobOrder order) {
  const auto id = store.upkeep()->start(order);
  if (!id) throw std::runtime_error(id.error().text);
  for (;;) {
    auto state = store.upkeep()->job(*id).value();
    if (state.ended_now()) return state;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}
inline JobState audit_job(sqlite::SqliteStore& store) { return run_job(store, {.bodies = true}); }

/// Without limits of speed: a test waits for nothing.
inline sqlite::Options quick_options(const std::filesystem::path& folder, sqlite::Disk* disk = nullptr) {
  return {.data_dir = folder,
          .segment_bytes = 1 << 20,
          .allocate_bytes = 1 << 18,
          .search_text = false,
          .housekeeping = {.rate = 0, .audit_at = "", .history = {}},
          .disk = disk};
}

class CareTest : public testing::Test {
 protected:
  static constexpr std::size_t body_bytes = 100'000;

  std::filesystem::path data() const { return folder_ / "data"; }
  void open(sqlite::Disk* disk = nullptr) {
    store_.reset();
    auto opened = real_.open(quick_options(data(), disk));
    if (!opened) throw std::runtime_error(opened.error().text);
    store_ = std::move(*opened);
  }
  /// One account with so many messages; the body of UID n is noise_of(n).
  void fill(Uid messages) {
    open();
    alice_ = add_account(*store_, "alice@example.org");
    for (Uid uid = 1; uid <= messages; ++uid) {
      must(store_->accept(acceptance(noise_of(uid, body_bytes), {{alice_, "INBOX", "P: 1\r\n", 0}})));
    }
    box_ = inbox(*session()).id;
  }
  std::unique_ptr<Session> session() { return store_->session(identity(alice_)); }
  /// Expunges these and lets their window end.
  void forget(const UidSet& uids) {
    must(session()->expunge(box_, uids, ExpungeMode::any));
    real_.clock.advance(std::chrono::hours(24 * 15));
    must(store_->reap());
  }
  void expect_bodies(const std::vector<Uid>& uids) {
    const auto rows = snapshot(*session(), box_);
    ASSERT_EQ(rows->size(), uids.size());
    for (const Uid uid : uids)
      EXPECT_EQ(read_all(*must(session()->body(box_, uid))), "P: 1\r\n" + noise_of(uid, body_bytes)) << uid;
  }
  std::vector<std::string> segment_files() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(data() / "seg")) out.push_back(entry.path().filename().string());
    std::sort(out.begin(), out.end());
    return out;
  }
  bool has_file(std::uint64_t segment) const {
    return std::filesystem::exists(data() / "seg" / fmt::format("{:010}.seg", segment));
  }
  /// SQL behind the store's back; call it with the store closed, or for tables that the writer keeps nothing of.
  void sql(const std::string& text) {
    const auto db = sqlite::Database::open({data() / "mail.db", sqlite::Database::Mode::read_write}).value();
    db->script(text.c_str());
  }
  std::int64_t number(const std::string& text) {
    const auto db = sqlite::Database::open({data() / "mail.db", sqlite::Database::Mode::read_write}).value();
    db->script(("CREATE TEMP TABLE answer AS SELECT (" + text + ") AS n").c_str());
    return db->integer(-1, "SELECT n FROM answer");
  }
  std::vector<std::string> plain_audit() { return must(store_->audit()); }

  Folder folder_;
  Real real_;
  std::unique_ptr<sqlite::SqliteStore> store_;
  AccountId alice_ = 0;
  MailboxId box_ = 0;
};

}  // namespace postern::store::test
