// SPDX-License-Identifier: Apache-2.0
// The text store as a whole: it answers as brute force does, never with old text, whatever happens to its files.
#include <fcntl.h>

#include <filesystem>
#include <fstream>

#include "async/task_group.h"
#include "mime/charset.h"
#include "store/sqlite/text_file.h"
#include "store/text_search.h"
#include "tests/store/fixture.h"
#include "tests/store/random_mail.h"

namespace postern::store::test {
namespace {

using sqlite::TextFile;

class TextIndexTest : public testing::Test {
 protected:
  TextIndexTest() { start(); }

  void start(bool search_text = true) {
    store_ =
        real_.open({.data_dir = folder_.path(), .segment_bytes = 1 << 20, .allocate_bytes = 1 << 18, .search_text = search_text})
            .value();
    if (alice_ == 0) {
      must(store_->accounts().add_domain({"example.org"}));
      alice_ = add_account(*store_, "alice@example.org");
    }
    session_ = store_->session(identity(alice_));
    inbox_ = must(session_->status("INBOX")).id;
  }
  void stop() {
    session_.reset();
    store_.reset();
  }
  sqlite::TextIndex& index() { return *store_->text_index(); }
  std::filesystem::path file() const { return folder_.path() / "text" / (std::to_string(alice_) + ".tx"); }
  void append(const std::string& message) { must(session_->append(inbox_, {searchable(message)})); }
  void expunge(UidSet uids) { must(session_->expunge(inbox_, std::move(uids), ExpungeMode::any)); }
  UidSet all() {
    UidSet out;
    const auto now = snapshot(*session_, inbox_);
    for (std::size_t i = 0; i < now->size(); ++i) out.add(now->row(i).uid);
    return out;
  }
  /// "uid:bits" for each message.
  static std::string show(const TextTruths& truths) {
    std::string out;
    for (std::size_t row = 0; row < truths.size(); ++row) {
      if (!truths.present(row)) continue;
      out += std::to_string(truths.uid(row)) + ":";
      for (std::size_t i = 0; i < truths.needles(); ++i) out += truths.get(row, i) ? '1' : '0';
      out += ' ';
    }
    return out;
  }
  std::string search(const std::vector<TextNeedle>& needles) {
    return show(must(search_text(*session_, {inbox_, all()}, {.needles = needles})));
  }
  std::string brute_force(const std::vector<TextNeedle>& needles) {
    TextQuery query{.needles = needles};
    return show(must(scan_messages(*session_, {inbox_, all()}, query)));
  }
  std::string text(const std::string& needle) { return search({{TextScope::text, {}, mime::casemap(needle)}}); }
  /// All text in the account's file.
  std::string kept() {
    std::string out;
    const auto copy = folder_.path() / "copy";
    std::filesystem::copy_file(file(), copy, std::filesystem::copy_options::overwrite_existing);
    const auto opened = TextFile::open(copy, alice_).value();
    for (const auto& block : opened->view()->blocks) {
      for (const auto& one : opened->read(*block).value()) out += one.texts[0] + one.texts[1] + one.texts[2];
    }
    return out;
  }

  Folder folder_;
  Real real_;
  std::unique_ptr<sqlite::SqliteStore> store_;
  std::unique_ptr<Session> session_;
  AccountId alice_ = 0;
  MailboxId inbox_ = 0;
};

// The promise of the text store: the same answers as decoding every message.
TEST_F(TextIndexTest, AnswersAsBruteForceDoes) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    RandomMail random(seed);
    std::vector<NewMessage> messages;
    for (int i = 0; i < 40; ++i) messages.push_back(searchable(random.message()));
    must(session_->append(inbox_, std::move(messages)));
    for (int i = 0; i < 10; ++i) {
      must(store_->accept({.body = body_of(random.message()),
                           .meta = {"env", "struct", "parts"},
                           .internal_date = 1'700'000'000,
                           .deliveries = {{.account = alice_, .prefix = "Received: by x for " + random.line(2) + "\r\n"}}}));
    }
    if (seed % 2 == 0) must(index().settle());
    must(session_->copy(inbox_, {{1, 5}}, inbox_, CopyMode::copy));
    expunge({{static_cast<Uid>(random.below(30) + 1), static_cast<Uid>(random.below(10) + 31)}});
    for (int round = 0; round < 8; ++round) {
      std::vector<TextNeedle> needles;
      for (std::size_t n = 1 + random.below(5); n > 0; --n) needles.push_back(random.text_needle());
      ASSERT_EQ(search(needles), brute_force(needles)) << seed << " " << round;
    }
  }
  must(index().settle());
  EXPECT_EQ(index().figures().waiting, 0U);
  RandomMail random(99);
  for (int round = 0; round < 20; ++round) {
    const std::vector<TextNeedle> needles = {random.text_needle(), random.text_needle()};
    ASSERT_EQ(search(needles), brute_force(needles)) << round;
  }
}

TEST_F(TextIndexTest, NeverStale) {
  index().pause();
  append("Subject: a\r\n\r\nfirst token\r\n");
  EXPECT_EQ(text("first token"), "1:1 ");
  index().resume();
  must(index().settle());
  EXPECT_EQ(index().figures().messages, 1U);
  EXPECT_EQ(text("first token"), "1:1 ");
  index().pause();
  append("Subject: b\r\n\r\nsecond token\r\n");
  EXPECT_EQ(text("token"), "1:1 2:1 ");
  EXPECT_EQ(text("second"), "1:0 2:1 ");
  index().resume();
}

TEST_F(TextIndexTest, TextLeavesWithTheLastReference) {
  append("Subject: a\r\n\r\ntoken-one-xyzzy\r\n");
  append("Subject: b\r\n\r\ntoken-two-xyzzy\r\n");
  append("Subject: c\r\n\r\ntoken-three-xyzzy\r\n");
  must(session_->copy(inbox_, {{2, 2}}, must(session_->status("Archive")).id, CopyMode::copy));
  must(index().settle());
  EXPECT_EQ(index().figures().messages, 3U);
  expunge({{1, 2}});
  must(index().settle());
  EXPECT_NE(kept().find("TOKEN-ONE"), std::string::npos);  // it can still be brought back
  real_.clock.advance(std::chrono::hours(24 * 15));
  must(store_->reap());
  must(index().settle());
  const auto left = kept();
  EXPECT_EQ(left.find("TOKEN-ONE"), std::string::npos);
  EXPECT_NE(left.find("TOKEN-TWO"), std::string::npos);  // a copy lives
  EXPECT_NE(left.find("TOKEN-THREE"), std::string::npos);
  EXPECT_EQ(index().figures().messages, 2U);
  EXPECT_EQ(text("xyzzy"), "3:1 ");
}

TEST_F(TextIndexTest, RemovedAccountTakesItsFileAlong) {
  append("Subject: a\r\n\r\nsecret\r\n");
  must(index().settle());
  EXPECT_TRUE(std::filesystem::exists(file()));
  session_.reset();
  must(store_->accounts().remove_account(alice_));
  must(index().settle());
  EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(TextIndexTest, ADeletedFileIsMadeAnew) {
  append("Subject: a\r\n\r\ntoken\r\n");
  must(index().settle());
  std::filesystem::remove(file());
  append("Subject: b\r\n\r\ntoken\r\n");
  EXPECT_EQ(text("token"), "1:1 2:1 ");
  must(index().settle());
  EXPECT_TRUE(std::filesystem::exists(file()));
  EXPECT_EQ(index().figures().messages, 2U);
  EXPECT_EQ(text("token"), "1:1 2:1 ");
  stop();
  std::filesystem::remove_all(folder_.path() / "text");
  start();
  EXPECT_EQ(text("token"), "1:1 2:1 ");
  must(index().settle());
  EXPECT_EQ(index().figures().messages, 2U);
}

TEST_F(TextIndexTest, DamageWhileRunningIsNoticedAndMended) {
  for (int i = 0; i < 20; ++i) append("Subject: a\r\n\r\ntoken " + std::to_string(i) + " of many words\r\n");
  must(index().settle());
  ASSERT_EQ(index().figures().messages, 20U);
  {
    // The last octet belongs to a compressed section.
    const auto size = std::filesystem::file_size(file());
    std::fstream out(file(), std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(static_cast<std::streamoff>(size - 1));
    out.put('\x55');
    out.seekp(static_cast<std::streamoff>(size - 9));
    out.put('\x55');
  }
  std::string expected;
  for (int i = 1; i <= 20; ++i) expected += std::to_string(i) + ":1 ";
  EXPECT_EQ(text("of many words"), expected);
  must(index().settle());
  EXPECT_EQ(index().figures().messages, 20U);
  EXPECT_NE(kept().find("TOKEN 19"), std::string::npos);
  EXPECT_EQ(text("of many words"), expected);
}

TEST_F(TextIndexTest, DamageAtTheStartIsMended) {
  append("Subject: a\r\n\r\ntoken\r\n");
  must(index().settle());
  for (const std::string& junk : {std::string(), std::string("junk"), std::string(100'000, '\xff')}) {
    stop();
    std::ofstream(file(), std::ios::binary | std::ios::trunc) << junk;
    start();
    EXPECT_EQ(text("token"), "1:1 ");
    must(index().settle());
    EXPECT_EQ(index().figures().messages, 1U);
  }
}

// After a restore the same blob id may mean another body: its checksum tells.
TEST_F(TextIndexTest, OldTextOfAReusedIdIsNotBelieved) {
  append("Subject: a\r\n\r\nbefore the restore\r\n");
  must(index().settle());
  stop();
  const auto kept_file = folder_.path() / "kept";
  std::filesystem::copy_file(file(), kept_file);
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    if (entry.path() != kept_file) std::filesystem::remove_all(entry.path());
  }
  alice_ = 0;
  start();
  append("Subject: a\r\n\r\nafter the restore\r\n");
  stop();
  std::filesystem::copy_file(kept_file, file(), std::filesystem::copy_options::overwrite_existing);
  start();
  EXPECT_EQ(text("before"), "1:0 ");
  EXPECT_EQ(text("after"), "1:1 ");
  must(index().settle());
  EXPECT_EQ(text("before"), "1:0 ");
  EXPECT_EQ(kept().find("BEFORE"), std::string::npos);
}

TEST_F(TextIndexTest, VeryLargeTextIsDecodedWhenAsked) {
  std::string large = "Subject: large\r\n\r\n";
  while (large.size() < 4'300'000) large += "all work and no play makes jack a dull boy\r\n";
  append(large + "needle at the end\r\n");
  append("Subject: image\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: image/png\r\n\r\n" +
         std::string(3'000'000, 'A') + "\r\n--b\r\n\r\nneedle behind an image\r\n--b--\r\n");
  must(index().settle());
  EXPECT_EQ(index().figures().waiting, 0U);
  EXPECT_EQ(text("needle"), "1:1 2:1 ");
  EXPECT_EQ(text("AAAAAAAA"), "1:0 2:0 ");
  const auto copy = kept();
  EXPECT_EQ(copy.find("DULL BOY"), std::string::npos);
  EXPECT_NE(copy.find("BEHIND AN IMAGE"), std::string::npos);
}

TEST_F(TextIndexTest, SmallBlocksAreMerged) {
  for (int i = 0; i < 40; ++i) {
    append("Subject: m" + std::to_string(i) + "\r\n\r\ntoken\r\n");
    must(index().settle());
  }
  const auto opened = TextFile::open(folder_.path() / "text" / (std::to_string(alice_) + ".tx"), alice_).value();
  EXPECT_LT(opened->view()->blocks.size(), 10U);
  EXPECT_EQ(opened->entries(), 40U);
  EXPECT_EQ(search({{TextScope::header, "subject", "M39"}}).find("40:1"), text("token").find("40:1"));
}

TEST_F(TextIndexTest, SwitchedOff) {
  append("Subject: a\r\n\r\ntoken\r\n");
  must(index().settle());
  stop();
  start(false);
  EXPECT_EQ(store_->text_index(), nullptr);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "text"));
  EXPECT_EQ(text("token"), "1:1 ");
  stop();
  start();
  must(index().settle());
  EXPECT_EQ(index().figures().messages, 1U);
}

TEST_F(TextIndexTest, FilesAreForTheOwnerAlone) {
  append("Subject: a\r\n\r\ntoken\r\n");
  must(index().settle());
  EXPECT_EQ(std::filesystem::status(file()).permissions(), std::filesystem::perms(0600));
  EXPECT_EQ(std::filesystem::status(folder_.path() / "text").permissions(), std::filesystem::perms(0700));
}

TEST_F(TextIndexTest, SearchesOfOneAccountTakeTurns) {
  for (int i = 0; i < 30; ++i) append("Subject: a\r\n\r\ntoken " + std::string(20'000, 'x') + "\r\n");
  must(index().settle());
  async::Runtime runtime(2);
  runtime.start();
  async::TaskGroup group(real_.log, "searches");
  std::atomic<int> right = 0;
  struct Run {
    static Task<> search(Session* session, MailboxId inbox, std::atomic<int>* right) {
      const auto found = co_await search_text(*session, {inbox, {{1, 30}}}, {.needles = {{TextScope::text, {}, "TOKEN"}}});
      if (found && found->size() == 30 && found->get(29, 0)) ++*right;
    }
  };
  for (int i = 0; i < 20; ++i)
    group.spawn(runtime.executor(static_cast<std::size_t>(i % 2)), Run::search(session_.get(), inbox_, &right));
  EXPECT_TRUE(group.stop_and_join(std::chrono::seconds(60), std::chrono::seconds(5)));
  EXPECT_EQ(right, 20);
  // The lane's thread may still hold an executor of the runtime.
  stop();
  runtime.stop();
}

}  // namespace
}  // namespace postern::store::test
