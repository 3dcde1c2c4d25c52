// SPDX-License-Identifier: Apache-2.0
// Stories go on in the mailboxes: moves, copies, deletions.
#include "store/sqlite/trace_follow.h"

#include <gtest/gtest.h>

#include "async/executor.h"
#include "store/mailbox_trace.h"
#include "store/sqlite/trace_book.h"
#include "tests/support/folder.h"

namespace postern::store::sqlite {
namespace {

class TraceFollowTest : public testing::Test {
 protected:
  void SetUp() override {
    book_ = open_trace_book(folder_.path(), {}, {clock_, log_, metrics_});
    trace_ = MailboxTrace(book_.get(), clock_, {"alice@example.org", "imap", "192.0.2.1"});
  }
  void deliver(const std::string& message, const std::vector<std::string>& places) {
    TraceEvent event;
    event.message = message;
    event.kind = "accepted";
    event.words.push_back(message);
    for (const auto& place : places) event.add("at", place);
    book_->note(std::move(event));
  }
  void move(MailboxId from, UidSet uids, MailboxId to, UidSet into, CopyMode mode = CopyMode::move) {
    trace_.transferred({from}, {to, "M" + std::to_string(to)}, {1, std::move(uids), std::move(into)}, mode);
  }
  /// "accepted moved→M7 expunged"
  std::string story(std::string message) {
    TraceQuery query;
    query.word = std::move(message);
    const auto stories = *async::run_alone(book_->find(std::move(query)));
    std::string out;
    if (stories.size() != 1) return std::to_string(stories.size()) + " stories";
    for (const auto& event : stories[0].events) {
      out += (out.empty() ? "" : " ") + event.kind;
      for (const auto& [name, value] : event.details) {
        if (name == "into_name") out += ">" + value;
      }
    }
    return out;
  }

  test::Folder folder_;
  FakeClock clock_;
  Log log_{LogLevel::info, [](LogLevel, std::string_view) {}};
  Metrics metrics_;
  std::unique_ptr<TraceBook> book_;
  MailboxTrace trace_;
};

TEST_F(TraceFollowTest, FromPlaceToPlaceToTheEnd) {
  move(5, {{1, 100}}, 9, {{1, 100}});  // before it was delivered: another message
  deliver("m1", {"5:12"});
  deliver("m2", {"5:13"});
  move(5, {{10, 11}}, 7, {{1, 2}});
  move(5, {{3, 4}, {12, 13}}, 7, {{90, 93}});
  trace_.expunged({5}, {{12, 12}});
  trace_.read({7, "Shared/info"}, {{90, 92}});
  trace_.expunged({7}, {{92, 92}});
  move(7, {{93, 93}}, 5, {{400, 400}});
  trace_.removed({5, "INBOX"});
  trace_.expunged({7}, {{92, 93}});
  EXPECT_EQ(story("m1"), "accepted moved>M7 read expunged");
  EXPECT_EQ(story("m2"), "accepted moved>M7 moved>M5 removed");
}

TEST_F(TraceFollowTest, CopiesAreFollowedToo) {
  deliver("m1", {"5:12", "6:3"});
  move(5, {{12, 12}}, 7, {{1, 1}}, CopyMode::copy);
  trace_.expunged({7}, {{1, 1}});
  move(6, {{3, 3}}, 8, {{2, 2}});
  trace_.expunged({5}, UidSet::all());
  EXPECT_EQ(story("m1"), "accepted copied>M7 expunged moved>M8 expunged");
}

// One event for all recipients' messages is told once; a circle of moves ends with the events.
TEST_F(TraceFollowTest, NothingTwice) {
  deliver("m1", {"5:1", "5:2"});
  trace_.expunged({5}, {{1, 2}});
  deliver("m2", {"6:1"});
  move(6, {{1, 1}}, 7, {{1, 1}});
  move(7, {{1, 1}}, 6, {{2, 2}});
  move(6, {{2, 2}}, 6, {{3, 3}});
  EXPECT_EQ(story("m1"), "accepted expunged");
  EXPECT_EQ(story("m2"), "accepted moved>M7 moved>M6 moved>M6");
}

// A set too long for one event is cut behind a whole range; what is beyond is not followed, and nothing else is taken for it.
TEST_F(TraceFollowTest, LongSets) {
  UidSet from;
  for (Uid uid = 2; uid < 20'000; uid += 2) from.add(uid);
  deliver("m1", {"5:1000"});
  deliver("m2", {"5:19998"});
  move(5, from, 7, {{1, 9999}});
  trace_.expunged({7}, {{500, 500}});
  EXPECT_EQ(story("m1"), "accepted moved>M7 expunged");
  EXPECT_EQ(story("m2"), "accepted");
}

// Deeds are no stories of their own.
TEST_F(TraceFollowTest, ListsAreOfMessages) {
  deliver("m1", {"5:1"});
  trace_.expunged({5}, {{1, 1}});
  EXPECT_EQ(async::run_alone(book_->find({}))->size(), 1U);
}

// Whatever stands in the file.
TEST_F(TraceFollowTest, DamagedDetails) {
  deliver("m1", {"", ":", "5:", "x:1", "5:1x", "5:1"});
  for (const auto* uids : {"", "1:", ":1", "3:1", ",1", "1:99999999999999999999"}) {
    TraceEvent event;
    event.kind = "moved";
    event.words.push_back("mailbox:5");
    event.add("uids", uids);
    event.add("into", "x");
    event.add("new_uids", "");
    book_->note(std::move(event));
  }
  EXPECT_EQ(story("m1"), "accepted");
}

}  // namespace
}  // namespace postern::store::sqlite
