// SPDX-License-Identifier: Apache-2.0
// What of Cyrus SASL is in this process: its library and the two plug-ins that we use, nothing else that lies beside them.
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "tests/auth/fixture.h"

namespace postern::auth {
namespace {

/// Files below a folder "sasl2" that are mapped into this process, without version: "libplain".
std::set<std::string> mapped_plugins() {
  std::set<std::string> out;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const auto folder = line.find("/sasl2/");
    if (folder == std::string::npos) continue;
    const auto name = line.substr(folder + std::string_view("/sasl2/").size());
    out.insert(name.substr(0, name.find('.')));
  }
  return out;
}

// security.md §4.5: every other mechanism, and sasldb, stays out.
TEST(SaslLibraryTest, LoadsPlainAndScramAndNothingElse) {
  testing::House house;
  ASSERT_TRUE(house.login("alice@example.org", testing::right_password).login);
  EXPECT_EQ(mapped_plugins(), (std::set<std::string>{"libplain", "libscram"}));
}

}  // namespace
}  // namespace postern::auth
