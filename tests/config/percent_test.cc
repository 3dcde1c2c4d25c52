// SPDX-License-Identifier: Apache-2.0
#include "config/percent.h"

#include <gtest/gtest.h>

namespace postern::config {
namespace {

TEST(Percent, Parse) {
  for (const char* good : {"1%", "80%", "100%"}) EXPECT_EQ(Percent::parse(good).value().to_string(), good);
  for (const char* bad : {"", "%", "0%", "101%", "80", "80 %", "-1%", "8.5%", "80%%", "99999999999%"}) {
    EXPECT_FALSE(Percent::parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace postern::config
