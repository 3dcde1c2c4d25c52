// SPDX-License-Identifier: Apache-2.0
#include "store/quota.h"

#include <gtest/gtest.h>

#include "store/account_text.h"

namespace postern::store {
namespace {

TEST(Quota, Percent) {
  struct Case {
    Quota quota;
    unsigned percent;
  };
  const Case cases[] = {
      {{0, 0, 0, 0}, 0},
      {{500, 9, 0, 0}, 0},
      {{799, 0, 1000, 0}, 79},
      {{800, 0, 1000, 0}, 80},
      {{10, 95, 1000, 100}, 95},
      {{2000, 0, 1000, 0}, 200},
      {{UINT64_MAX / 2, 0, UINT64_MAX, 0}, 49},
      {{UINT64_MAX, 0, 1, 0}, 10'000},
  };
  for (const auto& c : cases) EXPECT_EQ(c.quota.percent(), c.percent) << c.quota.used_bytes << "/" << c.quota.limit_bytes;
}

TEST(Quota, Room) {
  const Quota quota{900, 9, 1000, 10};
  EXPECT_TRUE(quota.has_room(100, 1));
  EXPECT_FALSE(quota.has_room(101, 1));
  EXPECT_FALSE(quota.has_room(1, 2));
  EXPECT_FALSE(quota.has_room(UINT64_MAX, 1)) << "sums must not wrap";
  EXPECT_TRUE((Quota{900, 9, 0, 0}.has_room(UINT64_MAX, UINT64_MAX)));
  EXPECT_FALSE((Quota{1100, 0, 1000, 0}.has_room(0, 0))) << "over already";
}

class QuotaTableTest : public testing::Test {
 protected:
  QuotaTableTest() {
    table_->set_account(1, "alice@example.org", {0, 0, 1000, 0});
    table_->set_account(2, "bob@example.org", {0, 0, 0, 0});
    table_->set_domain("example.org", {0, 0, 1500, 0});
  }
  std::string text_of(const Result<QuotaHold>& hold) { return hold ? "" : hold.error().text; }
  std::shared_ptr<QuotaTable> table_ = std::make_shared<QuotaTable>();
};

TEST_F(QuotaTableTest, HoldsAddUpAndAreGivenBack) {
  auto first = table_->hold(1, 600);
  ASSERT_TRUE(first);
  EXPECT_EQ(text_of(table_->hold(1, 600)), "the account alice@example.org is over its quota");
  auto second = table_->hold(1, 400);
  EXPECT_TRUE(second);
  EXPECT_EQ(text_of(table_->hold(2, 600)), "the domain example.org is over its quota");
  *first = QuotaHold();
  EXPECT_TRUE(table_->hold(1, 600));
  EXPECT_TRUE(table_->hold(2, 1100));
}

TEST_F(QuotaTableTest, AMovedHoldReleasesOnce) {
  auto hold = std::move(*table_->hold(1, 1000));
  QuotaHold other = std::move(hold);
  EXPECT_FALSE(table_->hold(1, 1));
  other = QuotaHold();
  EXPECT_TRUE(table_->hold(1, 1000));
  EXPECT_TRUE(table_->hold(1, 1000));
}

TEST_F(QuotaTableTest, ARemovedAccountLeavesNothingHeld) {
  auto hold = table_->hold(1, 1000);
  table_->remove_account(1);
  EXPECT_EQ(table_->hold(1, 1).error().kind, ErrorKind::not_found);
  EXPECT_TRUE(table_->hold(2, 1500)) << "the domain has its room back";
  *hold = QuotaHold();
  EXPECT_TRUE(table_->hold(2, 1500)) << "and it is not given back twice";
  EXPECT_FALSE(table_->hold(2, 1501));
}

TEST_F(QuotaTableTest, AHoldMayOutliveTheTable) {
  auto hold = table_->hold(1, 1);
  table_.reset();
}

TEST(AccountText, RoundTrips) {
  EXPECT_EQ(split_words(join_words({"a", "b/24"})), (std::vector<std::string>{"a", "b/24"}));
  EXPECT_TRUE(split_words("  ").empty());
  const std::map<std::string, std::string> settings{{"a", "1=2"}, {"b", ""}, {"c", "x\ny"}};
  EXPECT_EQ(parse_settings(settings_text(settings)), (std::map<std::string, std::string>{{"a", "1=2"}, {"b", ""}, {"c", "x y"}}));
  EXPECT_TRUE(parse_settings("no equals sign\n\n").empty());
  EXPECT_EQ(domain_of_login("alice@example.org"), "example.org");
}

}  // namespace
}  // namespace postern::store
