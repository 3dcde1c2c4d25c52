// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/trace_book.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "async/executor.h"
#include "tests/support/folder.h"

namespace postern::store::sqlite {
namespace {

namespace fs = std::filesystem;

class TraceBookTest : public testing::Test {
 protected:
  std::unique_ptr<TraceBook> open(const TraceLimits& limits = {}) {
    return open_trace_book(folder_.path(), limits, {clock_, log_, metrics_});
  }
  void note(TraceBook& book, std::string message, std::string kind, std::vector<std::string> words,
            std::vector<std::pair<std::string, std::string>> details = {}) {
    TraceEvent event;
    event.at_ms = clock_.unix_now() * 1000;
    event.message = std::move(message);
    event.kind = std::move(kind);
    event.words = std::move(words);
    event.details = std::move(details);
    book.note(std::move(event));
  }
  static std::vector<TraceStory> find(TraceBook& book, TraceQuery query) {
    return *async::run_alone(book.find(std::move(query)));
  }
  static std::vector<TraceStory> find(TraceBook& book, std::string word) {
    TraceQuery query;
    query.word = std::move(word);
    return find(book, std::move(query));
  }

  test::Folder folder_;
  FakeClock clock_;
  std::string logged_;
  Log log_{LogLevel::info, [this](LogLevel, std::string_view line) { logged_ += std::string(line) + '\n'; }};
  Metrics metrics_;
};

TEST_F(TraceBookTest, AWordLeadsToTheWholeStory) {
  auto book = open();
  note(*book, "m1", "accepted", {"m1", "<Mid-1@Example.ORG>", "Alice@Example.org"},
       {{"from", "<eve@x>"}, {"to", "a"}, {"to", "b"}});
  note(*book, "m2", "accepted", {"m2", "bob@example.org"});
  note(*book, "m1", "attempt", {"m1", "17", "carol@other.example"}, {{"reply", "250 ok"}});
  note(*book, "", "connection", {"192.0.2.1"});
  for (const auto* word : {"m1", "mid-1@example.org", "<MID-1@example.org>", " alice@example.org", "17", "CAROL@other.example"}) {
    const auto stories = find(*book, word);
    ASSERT_EQ(stories.size(), 1U) << word;
    ASSERT_EQ(stories[0].events.size(), 2U) << word;
    EXPECT_EQ(stories[0].events[0].kind, "accepted");
    EXPECT_EQ(stories[0].events[0].details.size(), 3U);
    EXPECT_EQ(stories[0].events[1].details[0].second, "250 ok");
  }
  EXPECT_EQ(find(*book, "192.0.2.1").size(), 1U);
  EXPECT_TRUE(find(*book, "mid-1").empty()) << "a part of a word is none";
  EXPECT_EQ(find(*book, "").size(), 3U);
}

TEST_F(TraceBookTest, TimesAndNumbersLimitTheAnswer) {
  auto book = open();
  for (int i = 0; i < 10; ++i) {
    note(*book, "m" + std::to_string(i), "accepted", {"alice@example.org"});
    clock_.advance(std::chrono::minutes(1));
  }
  TraceQuery query;
  query.word = "alice@example.org";
  query.most = 3;
  auto stories = find(*book, query);
  ASSERT_EQ(stories.size(), 3U);
  EXPECT_EQ(stories[0].message, "m7");
  EXPECT_EQ(stories[2].message, "m9") << "the newest last";
  query.most = 100;
  query.from = clock_.unix_now() - 5 * 60;
  query.until = clock_.unix_now() - 3 * 60;
  EXPECT_EQ(find(*book, query).size(), 2U);
}

TEST_F(TraceBookTest, WhatAStrangerWroteCannotForgeDetails) {
  auto book = open();
  note(*book, "m", "refused", {"m"}, {{"helo", "x\nreply\t250 forged"}, {"reply", "550 no"}});
  const auto events = find(*book, "m").at(0).events;
  ASSERT_EQ(events[0].details.size(), 2U);
  EXPECT_EQ(events[0].details[0].second, "x reply 250 forged");
  note(*book, "big", "refused", {"big"}, {{"a", "1"}, {"b", std::string(trace_event_max, 'x')}, {"c", "3"}});
  const auto cut = find(*book, "big").at(0).events[0].details;
  ASSERT_EQ(cut.size(), 2U);
  EXPECT_EQ(cut[1].first, "cut");
}

TEST_F(TraceBookTest, OldEventsGo) {
  TraceLimits limits;
  limits.keep = std::chrono::hours(24);
  auto book = open(limits);
  note(*book, "old", "accepted", {"old"});
  clock_.advance(std::chrono::hours(20));
  note(*book, "young", "accepted", {"young"});
  clock_.advance(std::chrono::hours(5));
  ASSERT_TRUE(async::run_alone(book->prune()));
  EXPECT_TRUE(find(*book, "old").empty());
  EXPECT_EQ(find(*book, "young").size(), 1U);
  EXPECT_EQ(async::run_alone(book->info())->events, 1U);
}

TEST_F(TraceBookTest, EventsAndOctetsAreBounded) {
  TraceLimits limits;
  limits.events = 1000;
  auto book = open(limits);
  for (int i = 0; i < 3000; ++i) {
    note(*book, "m" + std::to_string(i), "accepted", {"w" + std::to_string(i)});
    if (i % 1000 == 0) (void)async::run_alone(book->info());  // so that nothing is dropped
  }
  EXPECT_LT(async::run_alone(book->info())->events, 1300U) << "while they are written";
  EXPECT_EQ(find(*book, "w2999").size(), 1U);
  EXPECT_TRUE(find(*book, "w10").empty());
  book->close();

  limits = {};
  limits.bytes = 1024 * 1024;
  book = open(limits);
  for (int i = 0; i < 1500; ++i) {
    note(*book, "b" + std::to_string(i), "accepted", {"v" + std::to_string(i)}, {{"text", std::string(2000, 'x')}});
    if (i % 500 == 0) (void)async::run_alone(book->info());
  }
  ASSERT_TRUE(async::run_alone(book->prune()));
  EXPECT_LE(async::run_alone(book->info())->bytes, limits.bytes);
  EXPECT_EQ(find(*book, "v1499").size(), 1U) << "the newest stay";
}

// Nobody else copies the log back: without it a restart would wait for all that was written since the start.
TEST_F(TraceBookTest, TheLogStaysSmall) {
  auto book = open();
  constexpr std::uintmax_t a_few_batches = 16 * 1024 * 1024;
  for (int i = 0; i < 20'000; ++i) {
    note(*book, "m" + std::to_string(i), "accepted", {"v" + std::to_string(i)}, {{"text", std::string(1500, 'x')}});
    if (i % 500 == 0) (void)async::run_alone(book->info());
  }
  EXPECT_EQ(async::run_alone(book->info())->events, 20'000U);
  EXPECT_LT(fs::file_size(folder_.path() / "trace.db-wal"), a_few_batches);
  EXPECT_GT(fs::file_size(folder_.path() / "trace.db"), a_few_batches);
}

TEST_F(TraceBookTest, TooManyAtOnceAreDroppedAndCounted) {
  auto book = open();
  constexpr std::size_t flood = 4 * trace_waiting_max;
  for (std::size_t i = 0; i < flood; ++i) note(*book, "m" + std::to_string(i), "accepted", {});
  auto info = async::run_alone(book->info());
  while (!info) info = async::run_alone(book->info());  // there was no room for the question either
  const auto kept = info->events;
  const auto text = metrics_.exposition();
  const auto at = text.find("\npostern_trace_events_lost_total ");
  ASSERT_NE(at, std::string::npos);
  const auto lost = std::stoull(text.substr(text.find(' ', at + 1) + 1));
  EXPECT_EQ(kept + lost, flood);
}

TEST_F(TraceBookTest, DamageIsPutAsideAndAClosedBookSaysSo) {
  {
    auto book = open();
    note(*book, "m", "accepted", {"m"});
    book->close();
    EXPECT_FALSE(async::run_alone(book->find({})));
  }
  EXPECT_EQ(find(*open(), "m").size(), 1U) << "it outlives the process";
  fs::resize_file(folder_.path() / "trace.db", 5000);
  EXPECT_TRUE(find(*open(), "m").empty());
  EXPECT_NE(logged_.find("trace.db is put aside; the trace of messages begin anew"), std::string::npos) << logged_;
}

}  // namespace
}  // namespace postern::store::sqlite
