// SPDX-License-Identifier: Apache-2.0
#include "submission/allowance.h"

#include <gtest/gtest.h>

namespace postern::submission {
namespace {

constexpr AllowanceLimits limits{
    .messages_per_hour = 2, .recipients_per_hour = 5, .messages_per_day = 3, .recipients_per_day = 8};

TEST(Allowance, SuspendsWithinTheHourAndGoesOn) {
  FakeClock clock;
  Allowance allowance(clock, limits);
  EXPECT_TRUE(allowance.spend(1, 1));
  EXPECT_TRUE(allowance.spend(1, 1));
  EXPECT_FALSE(allowance.permits(1, 1));
  EXPECT_FALSE(allowance.spend(1, 1));
  EXPECT_TRUE(allowance.permits(2, 1)) << "others are not concerned";
  clock.advance(std::chrono::minutes(61));
  EXPECT_TRUE(allowance.spend(1, 1));
}

TEST(Allowance, CountsRecipients) {
  FakeClock clock;
  Allowance allowance(clock, limits);
  EXPECT_TRUE(allowance.permits(1, 5));
  EXPECT_FALSE(allowance.permits(1, 6));
  EXPECT_TRUE(allowance.spend(1, 5));
  EXPECT_FALSE(allowance.permits(1, 1));
}

TEST(Allowance, HasALimitOfTheDay) {
  FakeClock clock;
  Allowance allowance(clock, limits);
  for (int hour = 0; hour < 3; ++hour) {
    EXPECT_TRUE(allowance.spend(1, 1)) << hour;
    clock.advance(std::chrono::hours(2));
  }
  EXPECT_FALSE(allowance.spend(1, 1));
  clock.advance(std::chrono::hours(24));
  EXPECT_TRUE(allowance.spend(1, 1));
}

TEST(Allowance, IgnoresTheWallClock) {
  FakeClock clock;
  Allowance allowance(clock, limits);
  EXPECT_TRUE(allowance.spend(1, 5));
  clock.jump_wall(std::chrono::hours(100));
  EXPECT_FALSE(allowance.permits(1, 1));
}

}  // namespace
}  // namespace postern::submission
