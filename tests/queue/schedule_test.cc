// SPDX-License-Identifier: Apache-2.0
#include "queue/schedule.h"

#include <gtest/gtest.h>

namespace postern::queue {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

store::QueueEntry entry_of(std::int64_t created, std::int64_t lifetime) {
  store::QueueEntry entry;
  entry.created = created;
  entry.expires = created + lifetime;
  return entry;
}

// security.md §1.6: 5, 15, 30, 60 min, then ×2 to 4 h
TEST(Schedule, PausesGrow) {
  const config::Queue options;
  const Schedule schedule(options);
  const std::vector<minutes> wanted = {minutes(5),   minutes(15),  minutes(30),  minutes(60),
                                       minutes(120), minutes(240), minutes(240), minutes(240)};
  for (std::uint32_t i = 0; i < wanted.size(); ++i) EXPECT_EQ(schedule.pause(i + 1), wanted[i]) << i;
  EXPECT_EQ(schedule.pause(0), minutes(5));
  EXPECT_EQ(schedule.pause(UINT32_MAX), hours(4));
}

TEST(Schedule, WaitedIsTheSumOfPauses) {
  const config::Queue options;
  const Schedule schedule(options);
  seconds sum{0};
  for (std::uint32_t n = 1; n < 60; ++n) {
    EXPECT_EQ(schedule.waited(n), sum) << n;
    sum += schedule.pause(n);
  }
  EXPECT_GT(schedule.waited(UINT32_MAX), hours(24 * 365)) << "absurd counts end";
}

TEST(Schedule, OptionsWithoutStepsStillWork) {
  config::Queue options;
  options.backoff.clear();
  EXPECT_EQ(Schedule(options).pause(1), options.backoff_max);
  options.backoff_max = seconds(0);
  EXPECT_GE(Schedule(options).pause(1), seconds(1));
}

TEST(Schedule, SpreadsByTenPercentAndKeepsTheEnd) {
  const config::Queue options;
  const Schedule schedule(options);
  const auto entry = entry_of(0, 5 * 86400);
  EXPECT_EQ(schedule.next_at(entry, 1, 1000, 0), 1000 + 270);
  EXPECT_EQ(schedule.next_at(entry, 1, 1000, 999), 1000 + 330);
  EXPECT_EQ(schedule.next_at(entry, 10, entry.expires - 60, 500), entry.expires) << "the last attempt is at the end";
  EXPECT_GT(schedule.next_at(entry, 10, entry.expires + 60, 500), entry.expires + 60);
}

/// Attempts until we give up, with an honest clock.
std::pair<std::uint32_t, UnixTime> live(std::int64_t lifetime) {
  const config::Queue options;
  const Schedule schedule(options);
  const auto entry = entry_of(0, lifetime);
  UnixTime now = 0;
  for (std::uint32_t attempts = 1; attempts < 1000; ++attempts) {
    if (schedule.expired(entry, attempts, now)) return {attempts, now};
    now = schedule.next_at(entry, attempts, now, 500);
  }
  return {0, now};
}

TEST(Schedule, AnHonestClockGivesUpAtTheEndOfTheLifetime) {
  EXPECT_EQ(live(5 * 86400).second, 5 * 86400);
  EXPECT_EQ(live(86400).second, 86400);
  EXPECT_EQ(live(5 * 86400).first, 36U);
}

// security.md D108, R18
TEST(Schedule, AClockThatJumpsBouncesNothing) {
  const config::Queue options;
  const Schedule schedule(options);
  const auto entry = entry_of(1'000'000, 5 * 86400);
  constexpr std::int64_t ten_years = 10LL * 365 * 86400;
  EXPECT_FALSE(schedule.expired(entry, 3, 1'000'000 + ten_years)) << "forward";
  EXPECT_FALSE(schedule.expired(entry, 20, 1'000'000 - ten_years)) << "back";
  EXPECT_TRUE(schedule.expired(entry, 80, 1'000'000 - ten_years)) << "but not for ever";
  EXPECT_TRUE(schedule.expired(entry, 30, 1'000'000 + ten_years)) << "enough attempts, and the time is over";
}

TEST(Schedule, TheDelayNoticeGoesByTheAttempts) {
  config::Queue options;
  const Schedule schedule(options);
  EXPECT_FALSE(schedule.notice_due(1));
  EXPECT_FALSE(schedule.notice_due(5)) << "next attempt after 3 h 50 min";
  EXPECT_TRUE(schedule.notice_due(6)) << "next attempt after 7 h 50 min";
  options.delay_notice = seconds(0);
  EXPECT_FALSE(schedule.notice_due(50));
}

TEST(ClockWatch, SeesJumpsAndNotTime) {
  FakeClock clock;
  ClockWatch watch(clock);
  clock.advance(hours(50));
  EXPECT_FALSE(watch.look());
  clock.jump_wall(seconds(60));
  EXPECT_FALSE(watch.look());
  clock.jump_wall(-hours(24));
  ASSERT_EQ(watch.look(), -seconds(86400));
  EXPECT_FALSE(watch.look());
  clock.jump_wall(hours(24 * 365));
  EXPECT_EQ(watch.look(), hours(24 * 365));
}

}  // namespace
}  // namespace postern::queue
