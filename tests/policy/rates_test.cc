// SPDX-License-Identifier: Apache-2.0
// A sliding hour, bounded.
#include "policy/rates.h"

#include <gtest/gtest.h>

namespace postern::policy {
namespace {

constexpr UnixTime hour = 3600;
constexpr UnixTime start = 500'000 * hour;

TEST(Rates, TheHourSlides) {
  Rates rates;
  for (int i = 0; i < 60; ++i) rates.add(RateOf::address, "a", start + 1800);
  EXPECT_EQ(rates.count(RateOf::address, "a", start + 1800), 60U);
  EXPECT_EQ(rates.count(RateOf::address, "a", start + hour), 60U);
  EXPECT_EQ(rates.count(RateOf::address, "a", start + hour + 1800), 30U);
  rates.add(RateOf::address, "a", start + hour + 1800);
  EXPECT_EQ(rates.count(RateOf::address, "a", start + hour + 1800), 31U);
  EXPECT_EQ(rates.count(RateOf::address, "a", start + 2 * hour), 1U);
  EXPECT_EQ(rates.count(RateOf::address, "a", start + 3 * hour), 0U);
}

TEST(Rates, KeysAndSortsAreApart) {
  Rates rates;
  rates.add(RateOf::address, "a", start);
  EXPECT_EQ(rates.count(RateOf::network, "a", start), 0U);
  EXPECT_EQ(rates.count(RateOf::address, "b", start), 0U);
}

TEST(Rates, AFloodOfKeysIsBoundedAndLeavesOthersAlone) {
  Rates rates;
  rates.add(RateOf::recipient, "alice", start);
  for (std::size_t i = 0; i < Rates::max_keys + 100; ++i) rates.add(RateOf::sender_domain, std::to_string(i), start);
  EXPECT_EQ(rates.size(), Rates::max_keys + 1);
  EXPECT_EQ(rates.count(RateOf::recipient, "alice", start), 1U);
  rates.add(RateOf::sender_domain, "later", start + 2 * hour);
  EXPECT_EQ(rates.count(RateOf::sender_domain, "later", start + 2 * hour), 1U);
  EXPECT_EQ(rates.size(), 2U);
}

}  // namespace
}  // namespace postern::policy
