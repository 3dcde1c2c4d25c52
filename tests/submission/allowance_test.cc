// SPDX-License-Identifier: Apache-2.0
#include "submission/allowance.h"

#include <gtest/gtest.h>

#include "store/memory/ledger.h"

namespace postern::submission {
namespace {

constexpr AllowanceLimits limits{.messages_per_hour = 2,
                                 .recipients_per_hour = 5,
                                 .messages_per_day = 3,
                                 .recipients_per_day = 8,
                                 .new_recipients_per_day = 3,
                                 .suspend_for = std::chrono::hours(1)};

Spending to(std::initializer_list<std::string_view> addresses) {
  Spending out{addresses.size(), {}};
  for (const auto one : addresses) out.outside.push_back(recipient_hash(mail::Address::parse(one).value()));
  return out;
}

TEST(Allowance, SuspendsWithinTheHourAndGoesOn) {
  FakeClock clock;
  Allowance allowance(clock, limits);
  EXPECT_TRUE(allowance.spend(1, {1, {}}, limits));
  EXPECT_TRUE(allowance.spend(1, {1, {}}, limits));
  EXPECT_FALSE(allowance.permits(1, {1, {}}, limits));
  EXPECT_FALSE(allowance.spend(1, {1, {}}, limits));
  EXPECT_TRUE(allowance.permits(2, {1, {}}, limits)) << "others are not concerned";
  clock.advance(std::chrono::minutes(61));
  EXPECT_TRUE(allowance.spend(1, {1, {}}, limits));
}

TEST(Allowance, CountsRecipients) {
  FakeClock clock;
  Allowance allowance(clock, limits);
  EXPECT_TRUE(allowance.permits(1, {5, {}}, limits));
  EXPECT_FALSE(allowance.permits(2, {6, {}}, limits));
  EXPECT_TRUE(allowance.spend(1, {5, {}}, limits));
  EXPECT_FALSE(allowance.permits(1, {1, {}}, limits));
}

TEST(Allowance, HasALimitOfTheDay) {
  FakeClock clock;
  Allowance allowance(clock, limits);
  for (int hour = 0; hour < 3; ++hour) {
    EXPECT_TRUE(allowance.spend(1, {1, {}}, limits)) << hour;
    clock.advance(std::chrono::hours(2));
  }
  EXPECT_FALSE(allowance.spend(1, {1, {}}, limits));
  clock.advance(std::chrono::hours(24));
  EXPECT_TRUE(allowance.spend(1, {1, {}}, limits));
}

TEST(Allowance, IgnoresTheWallClock) {
  FakeClock clock;
  Allowance allowance(clock, limits);
  EXPECT_TRUE(allowance.spend(1, {5, {}}, limits));
  clock.jump_wall(std::chrono::hours(100));
  EXPECT_FALSE(allowance.permits(1, {1, {}}, limits));
}

TEST(Allowance, NewRecipientsAreCountedOnce) {
  FakeClock clock;
  Allowance allowance(clock, limits);
  EXPECT_TRUE(allowance.spend(1, to({"a@x.example", "b@x.example", "A@X.example"}), limits));
  clock.advance(std::chrono::hours(2));
  EXPECT_TRUE(allowance.permits(1, to({"a@x.example", "b@x.example", "c@x.example"}), limits));
  EXPECT_TRUE(allowance.spend(1, to({"a@x.example", "b@x.example"}), limits)) << "known ones are not new";
  clock.advance(std::chrono::hours(2));
  EXPECT_FALSE(allowance.permits(1, to({"c@x.example", "d@x.example"}), limits));
  EXPECT_EQ(allowance.suspension(1)->reason, "more than 3 new recipients in a day");
}

TEST(Allowance, SuspendsOnceTellsOnceAndEnds) {
  FakeClock clock;
  Allowance allowance(clock, limits);
  std::vector<store::SuspensionRow> told;
  allowance.on_suspension([&told](store::SuspensionRow row) { told.push_back(std::move(row)); });
  EXPECT_FALSE(allowance.permits(1, {6, {}}, limits));
  EXPECT_FALSE(allowance.permits(1, {6, {}}, limits));
  EXPECT_FALSE(allowance.permits(1, {1, {}}, limits)) << "suspended, however small the next one is";
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].account, 1);
  EXPECT_EQ(told[0].until, clock.unix_now() + 3600);
  EXPECT_EQ(allowance.suspensions(), told);
  clock.advance(std::chrono::hours(1));
  EXPECT_TRUE(allowance.permits(1, {1, {}}, limits));
  EXPECT_TRUE(allowance.suspensions().empty());
}

TEST(Allowance, WaitsForTheAdminWithoutATime) {
  FakeClock clock;
  Allowance allowance(clock, limits);
  auto for_good = limits;
  for_good.suspend_for = std::chrono::seconds(0);
  EXPECT_TRUE(allowance.spend(1, {5, {}}, for_good));
  EXPECT_FALSE(allowance.permits(1, {1, {}}, for_good));
  clock.advance(std::chrono::hours(1000));
  EXPECT_FALSE(allowance.permits(1, {1, {}}, for_good));
  EXPECT_FALSE(allowance.resume(2));
  EXPECT_TRUE(allowance.resume(1));
  EXPECT_TRUE(allowance.permits(1, {5, {}}, for_good)) << "a fresh day";
}

TEST(Allowance, ARestartForgivesNothing) {
  FakeClock clock;
  const auto ledger = store::memory::make_ledger();
  auto& book = ledger->sending();
  {
    Allowance allowance(clock, limits, &book);
    EXPECT_TRUE(allowance.spend(1, to({"a@x.example", "b@x.example"}), limits));
    clock.advance(std::chrono::minutes(7));
    EXPECT_TRUE(allowance.spend(1, to({"a@x.example"}), limits));
    EXPECT_FALSE(allowance.permits(2, {6, {}}, limits));
  }
  {
    Allowance allowance(clock, limits, &book);
    ASSERT_TRUE(allowance.suspension(2));
    EXPECT_FALSE(allowance.permits(1, {1, {}}, limits)) << "two messages in this hour";
    EXPECT_TRUE(allowance.resume(1));
    EXPECT_TRUE(allowance.resume(2));
    EXPECT_TRUE(allowance.permits(1, to({"a@x.example", "b@x.example", "c@x.example", "d@x.example", "e@x.example"}), limits));
  }
  Allowance allowance(clock, limits, &book);
  EXPECT_FALSE(allowance.suspension(2));
  EXPECT_TRUE(allowance.spend(1, {1, {}}, limits)) << "resuming has forgiven what the ledger knew";
}

}  // namespace
}  // namespace postern::submission
