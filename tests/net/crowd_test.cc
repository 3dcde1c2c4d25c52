// SPDX-License-Identifier: Apache-2.0
// Who leaves when there are too many.
#include "net/crowd.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace postern::net {
namespace {

struct CrowdTest : testing::Test {
  Metrics metrics;
  Crowd crowd{20, metrics.counter("dropped", "")};
  std::vector<int> left;  ///< in the order in which they were told to go
  std::vector<std::optional<Crowd::Place>> places;

  /// False when there is no room.
  bool come() {
    if (!crowd.make_room()) return false;
    const auto number = static_cast<int>(places.size());
    places.emplace_back(crowd.join([this, number] { left.push_back(number); }));
    return true;
  }
  void come(int many) {
    for (int i = 0; i < many; ++i) EXPECT_TRUE(come());
  }
};

TEST_F(CrowdTest, GuestsHoldHalfAndTheOldestGivesWay) {
  come(10);
  EXPECT_TRUE(left.empty());
  come(3);
  EXPECT_EQ(left, (std::vector{0, 1, 2}));
  EXPECT_EQ(crowd.guests(), 10U);
  EXPECT_EQ(crowd.size(), 10U) << "who was told to go counts no more";
  EXPECT_NE(metrics.exposition().find("dropped 3"), std::string::npos) << metrics.exposition();
}

TEST_F(CrowdTest, WhoHasSettledStays) {
  come(10);
  places[0]->settle();
  places[0]->settle();
  EXPECT_EQ(crowd.guests(), 9U);
  come(2);
  EXPECT_EQ(left, std::vector{1});
}

TEST_F(CrowdTest, AFullHouseRefusesWhileGuestsAreFew) {
  for (int i = 0; i < 18; ++i) {
    come(1);
    places.back()->settle();
  }
  come(2);
  EXPECT_EQ(crowd.size(), 20U);
  EXPECT_FALSE(come()) << "two guests keep their places: newcomers do not chase one another out";
  EXPECT_TRUE(left.empty());
  places.front().reset();
  come(1);
  EXPECT_EQ(crowd.size(), 20U);
  EXPECT_TRUE(come()) << "a third guest is more than a tenth: the oldest gives way";
  EXPECT_EQ(left, std::vector{18});
}

TEST_F(CrowdTest, PlacesReturnInEveryStanding) {
  come(11);
  places[1]->settle();
  places[0]->settle();  // told to go already: too late
  EXPECT_EQ(crowd.guests(), 9U);
  for (auto& place : places) place.reset();
  EXPECT_EQ(crowd.size(), 0U);
  EXPECT_EQ(crowd.guests(), 0U);
}

TEST_F(CrowdTest, ZeroIsNoLimitAndTheTotalMayChange) {
  crowd.set_total(0);
  come(50);
  EXPECT_TRUE(left.empty());
  crowd.set_total(20);
  EXPECT_TRUE(come());
  EXPECT_EQ(left, std::vector{0});
}

TEST_F(CrowdTest, APlaceMayOutliveTheCrowd) {
  std::optional<Crowd> brief(4);
  auto place = brief->join([] {});
  brief.reset();
  place.settle();
}

}  // namespace
}  // namespace postern::net
