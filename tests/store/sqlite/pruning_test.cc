// SPDX-License-Identifier: Apache-2.0
// History of expunged messages: bounded in number and age, and below the floor the full comparison (RFC 7162 §3.2.6).
#include "store/sqlite/pruning.h"

#include "tests/store/sqlite/care_fixture.h"

namespace postern::store::test {

class PruningTest : public CareTest {
 protected:
  /// Every second of so many messages is expunged, one command and one hour each.
  void expunge_every_second(Uid messages) {
    open();
    alice_ = add_account(*store_, "alice@example.org");
    box_ = inbox(*session()).id;
    for (Uid uid = 1; uid <= messages; ++uid) must(store_->accept(acceptance("m", {{alice_, "INBOX", "", 0}})));
    for (Uid uid = 2; uid <= messages; uid += 2) {
      must(session()->expunge(box_, UidSet{{uid, uid}}, ExpungeMode::any));
      modseqs_.push_back(inbox(*session()).highest);
      real_.clock.advance(std::chrono::hours(1));
    }
  }
  /// On the closed store, as the writer would. Gives the slices it took.
  int prune(const sqlite::HistoryLimits& limits, std::size_t rows) {
    store_.reset();
    const auto db = sqlite::Database::open({data() / "mail.db", sqlite::Database::Mode::read_write}).value();
    int slices = 0;
    for (const auto& one : sqlite::find_prunes(*db, limits, real_.clock.unix_now())) {
      for (bool more = true; more; ++slices) {
        sqlite::Transaction tx(*db, real_.clock);
        sqlite::TransactionGuard guard(*db);
        more = sqlite::prune_some(tx, one, rows);
        tx.flush();
        guard.commit();
      }
    }
    open();
    return slices;
  }
  std::string vanished(ModSeq since) { return must(session()->vanished_since(box_, since)).to_string(); }

  std::vector<ModSeq> modseqs_;  ///< of the n-th expunge
};

TEST_F(PruningTest, KeepsTheNewerHalfOfTooMany) {
  expunge_every_second(40);
  EXPECT_EQ(prune({.most_ranges = 20}, 100), 0);
  EXPECT_GE(prune({.most_ranges = 10}, 3), 4);
  EXPECT_EQ(number("SELECT count(*) FROM vanished"), 5);
  const auto floor = static_cast<ModSeq>(number("SELECT vanished_floor FROM mailbox WHERE name='INBOX'"));
  EXPECT_EQ(floor, modseqs_[14]);
  EXPECT_EQ(vanished(modseqs_[16]), "36,38,40");
  EXPECT_EQ(vanished(floor), "32,34,36,38,40");
  // Below the floor: all that does not exist, those the client never knew included.
  const std::string everything = "2,4,6,8,10,12,14,16,18,20,22,24,26,28,30,32,34,36,38,40";
  EXPECT_EQ(vanished(floor - 1), everything);
  EXPECT_EQ(vanished(1), everything);
  EXPECT_EQ(plain_audit(), std::vector<std::string>());
}

TEST_F(PruningTest, ForgetsWhatIsOld) {
  expunge_every_second(20);
  // The n-th expunge was 10-n hours ago.
  EXPECT_GE(prune({.keep = std::chrono::minutes(4 * 60 + 30)}, 2), 2);
  EXPECT_EQ(number("SELECT count(*) FROM vanished"), 4);
  EXPECT_EQ(vanished(modseqs_[5]), "14,16,18,20");
  EXPECT_EQ(vanished(modseqs_[4]), "2,4,6,8,10,12,14,16,18,20");
  EXPECT_EQ(prune({.keep = std::chrono::minutes(4 * 60 + 30)}, 2), 0);
}

// Between two slices the floor is there already: a client never hears of less than is gone.
TEST_F(PruningTest, TheFloorRisesWithTheFirstSlice) {
  expunge_every_second(20);
  store_.reset();
  {
    const auto db = sqlite::Database::open({data() / "mail.db", sqlite::Database::Mode::read_write}).value();
    const auto found = sqlite::find_prunes(*db, {.keep = std::chrono::hours(1)}, real_.clock.unix_now());
    ASSERT_EQ(found.size(), 1u);
    sqlite::Transaction tx(*db, real_.clock);
    sqlite::TransactionGuard guard(*db);
    EXPECT_TRUE(sqlite::prune_some(tx, found[0], 2));
    tx.flush();
    guard.commit();
  }
  open();
  EXPECT_EQ(vanished(modseqs_[0]), "2,4,6,8,10,12,14,16,18,20");
}

// A keyword's bit is not given to another name while an expunged message could come back with it (design.md §7).
TEST_F(PruningTest, KeywordsOfExpungedMessagesKeepTheirBits) {
  open();
  alice_ = add_account(*store_, "alice@example.org");
  box_ = inbox(*session()).id;
  std::vector<std::string> names;
  for (unsigned i = 0; i < flag::max_keywords; ++i) names.push_back("k" + std::to_string(i));
  must(session()->append(box_, {message("all", 0, names)}));
  must(session()->append(box_, {message("none")}));
  must(session()->expunge(box_, UidSet{{1, 1}}, ExpungeMode::any));
  EXPECT_EQ(error_of(session()->append(box_, {message("new", 0, {"fresh"})})), ErrorKind::limit);
  real_.clock.advance(std::chrono::hours(24 * 15));
  must(store_->reap());
  must(session()->append(box_, {message("new", 0, {"fresh"})}));
}

}  // namespace postern::store::test
