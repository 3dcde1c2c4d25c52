// SPDX-License-Identifier: Apache-2.0
// Times in the queue that must keep their distance when the wall clock jumps: those that senders chose, and the end of keeping.
#include "store/queue_clock.h"
#include "tests/store/conformance.h"

namespace postern::store::test {

namespace {

constexpr UnixTime hour = 3600;
constexpr UnixTime day = 24 * hour;
constexpr std::chrono::seconds kept{14 * day};
constexpr std::chrono::seconds ten_years{3650 * day};

}  // namespace

class QueueClockTest : public Conformance {
 protected:
  Queue& queue() { return store_->queue(); }
  UnixTime now() { return real_.clock.unix_now(); }
  void jump(std::chrono::seconds by) {
    real_.clock.jump_wall(by);
    must(QueueClock::of(queue())->follow(by, kept));
  }
  void enqueue(const std::string& to, UnixTime in) {
    Acceptance work{body_of("the body"), {}, 0, {}, QueueEntry{}};
    QueueEntry& entry = *work.enqueue;
    entry.created = now() + in;
    entry.expires = entry.created + 5 * day;
    entry.recipients.push_back(recipient(to, entry.created));
    if (in > 0) entry.recipients.front().last_reply = chosen_time_note(now());
    must(store_->accept(std::move(work)));
  }
  QueueEntry entry() { return must(queue().list({})).at(0); }
  UnixTime next_at() { return entry().recipients.at(0).next_at; }
  std::size_t due() {
    std::size_t sum = 0;
    for (const auto& one : must(queue().claim(10, std::chrono::seconds(60), {}))) sum += one.entry.recipients.size();
    return sum;
  }
};

TEST_P(QueueClockTest, NothingIsClaimedByATimeThatNobodyTrustsYet) {
  auto& clock = *QueueClock::of(queue());
  enqueue("later@x.example", 5 * hour);
  clock.trust_until(now());
  real_.clock.jump_wall(ten_years);
  EXPECT_EQ(due(), 0U);
  must(clock.follow(ten_years, kept));
  clock.trust_until(now());
  EXPECT_EQ(due(), 0U) << "its distance was kept";
  real_.clock.advance(std::chrono::hours(5));
  EXPECT_EQ(due(), 0U);
  clock.trust_until(now());
  EXPECT_EQ(due(), 1U);
}

TEST_P(QueueClockTest, AChosenTimeKeepsItsDistance) {
  for (const auto by : {ten_years, -ten_years, std::chrono::seconds(2 * hour), std::chrono::seconds(-2 * hour)}) {
    must(queue().order({}, QueueOrder::remove));
    enqueue("later@x.example", 5 * hour);
    real_.clock.advance(std::chrono::hours(1));
    jump(by);
    EXPECT_EQ(next_at(), now() + 4 * hour) << by.count();
    EXPECT_EQ(entry().created, now() + 4 * hour);
    EXPECT_EQ(entry().expires, now() + 4 * hour + 5 * day);
    must(queue().order({}, QueueOrder::retry_now));
    EXPECT_EQ(due(), 0U);
    jump(-by);
    EXPECT_EQ(next_at(), now() + 4 * hour) << "there and back";
    real_.clock.advance(std::chrono::hours(4));
    EXPECT_EQ(due(), 1U);
  }
}

TEST_P(QueueClockTest, WhatComesAfterTheJumpHasItsOwnTime) {
  for (const auto by : {ten_years, -ten_years, std::chrono::seconds(2 * hour), std::chrono::seconds(-2 * hour)}) {
    must(queue().order({}, QueueOrder::remove));
    real_.clock.jump_wall(by);
    enqueue("later@x.example", 5 * hour);
    real_.clock.advance(std::chrono::seconds(30));
    must(QueueClock::of(queue())->follow(by, kept));
    EXPECT_GE(next_at(), now() + 5 * hour - 30) << by.count();
    EXPECT_LE(next_at(), now() + 5 * hour) << by.count();
  }
}

TEST_P(QueueClockTest, AClockThatComesBackFindsItsTimesAgain) {
  // Accepted under the right clock, then a start under one far behind, which is set right after a while.
  enqueue("later@x.example", 5 * hour);
  const auto right = next_at();
  real_.clock.jump_wall(-ten_years);
  real_.clock.advance(std::chrono::hours(1));
  jump(ten_years);
  EXPECT_EQ(next_at(), right);
}

TEST_P(QueueClockTest, TimesOfAClockThatWasAheadBeginAgain) {
  enqueue("later@x.example", 5 * hour);
  real_.clock.jump_wall(-ten_years);
  must(QueueClock::of(queue())->follow(std::chrono::seconds(0), kept));
  EXPECT_EQ(next_at(), now() + 5 * hour);
}

TEST_P(QueueClockTest, TheEndOfKeepingMovesAlong) {
  enqueue("gone@x.example", 0);
  const auto claimed = must(queue().claim(10, std::chrono::seconds(60), {}));
  std::vector<Attempt> attempts;
  attempts.push_back({claimed.at(0).entry.recipients.at(0).id, Attempt::Result::hold, now() + kept.count(), false, "550 no"});
  must(queue().report(std::move(attempts)));
  EXPECT_EQ(next_at(), now() + kept.count());
  for (const auto by : {ten_years, -ten_years}) {
    jump(by);
    EXPECT_EQ(next_at(), now() + kept.count()) << by.count();
  }
  // A start under another clock, which is set right later.
  const auto right = next_at();
  for (const auto by : {ten_years, -ten_years}) {
    real_.clock.jump_wall(by);
    jump(-by);
    EXPECT_EQ(next_at(), right) << by.count();
  }
}

TEST_P(QueueClockTest, ReleaseSendsBeforeTheChosenTime) {
  enqueue("later@x.example", 5 * hour);
  EXPECT_EQ(must(queue().order({}, QueueOrder::retry_now)), 0U);
  EXPECT_EQ(must(queue().order({}, QueueOrder::release)), 1U);
  EXPECT_EQ(must(queue().order({}, QueueOrder::release)), 0U);
  jump(ten_years);
  EXPECT_EQ(due(), 1U);
}

TEST_P(QueueClockTest, HoldAndReleaseOfAChosenTime) {
  enqueue("later@x.example", 5 * hour);
  EXPECT_EQ(must(queue().order({}, QueueOrder::hold)), 1U);
  real_.clock.advance(std::chrono::hours(6));
  EXPECT_EQ(due(), 0U);
  EXPECT_EQ(must(queue().order({}, QueueOrder::release)), 1U);
  EXPECT_EQ(due(), 1U);
}

TEST(ChosenTime, IsReadFromItsNoteAlone) {
  QueueRecipient one = recipient("a@x.example", 0);
  one.last_reply = chosen_time_note(1'800'000'000);
  EXPECT_EQ(one.last_reply, "waits for the time that its sender chose; accepted 2027-01-15T08:00:00Z");
  EXPECT_EQ(chosen_time_since(one), 1'800'000'000);
  one.attempts = 1;
  EXPECT_EQ(chosen_time_since(one), std::nullopt);
  one.attempts = 0;
  for (const char* text :
       {"", "450 later", "waits for the time that its sender chose", "waits for the time that its sender chose; x"}) {
    one.last_reply = text;
    EXPECT_EQ(chosen_time_since(one), std::nullopt) << text;
  }
}

POSTERN_CONFORMANCE(QueueClockTest);

}  // namespace postern::store::test
