// SPDX-License-Identifier: Apache-2.0
#include "auth/hours.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace postern::auth {
namespace {

/// "sat 09:00" as a moment.
WallTime at(std::string_view text) {
  constexpr std::string_view days = "montuewedthufrisatsun";
  const auto minute = [&](std::size_t i) { return static_cast<unsigned>((text[i] - '0') * 10 + text[i + 1] - '0'); };
  return {static_cast<unsigned>(days.find(text.substr(0, 3)) / 3), minute(4) * 60 + minute(7)};
}

TEST(HoursTest, ContainWhatTheySay) {
  const struct {
    const char* hours;
    const char* inside;   ///< separated by commas
    const char* outside;  ///< the same
  } cases[] = {
      {"", "mon 00:00,sun 23:59", ""},
      {"mon-fri 07:00-19:00", "mon 07:00,fri 18:59,wed 12:00", "mon 06:59,fri 19:00,sat 12:00,sun 12:00"},
      {"mon-fri 07:00-19:00, sat 09:00-12:00", "sat 09:00,sat 11:59,thu 07:00", "sat 08:59,sat 12:00,sun 10:00"},
      {"08:30-24:00", "mon 08:30,sun 23:59", "mon 08:29,sun 00:00"},
      {"sat-mon", "sat 00:00,sun 12:00,mon 23:59", "tue 00:00,fri 23:59"},
      {"sun", "sun 00:00,sun 23:59", "sat 23:59,mon 00:00"},
      {"fri 22:00-06:00", "fri 22:00,fri 23:59,sat 00:00,sat 05:59", "fri 21:59,sat 06:00,sat 22:00,fri 05:00"},
      {"sun 22:00-06:00", "sun 23:00,mon 05:59", "mon 06:00,sun 05:00"},
      {"22:00-06:00", "mon 22:00,tue 05:59,mon 00:00", "mon 06:00,mon 21:59"},
  };
  for (const auto& c : cases) {
    const auto hours = Hours::parse(c.hours).value();
    for (const auto& [list, expected] : {std::pair(c.inside, true), {c.outside, false}}) {
      const std::string_view all = list;
      for (std::size_t i = 0; i + 9 <= all.size(); i += 10) {
        EXPECT_EQ(hours.contains(at(all.substr(i, 9))), expected) << c.hours << " at " << all.substr(i, 9);
      }
    }
  }
}

TEST(HoursTest, HaveOneCanonicalText) {
  const std::pair<const char*, const char*> cases[] = {
      {"", ""},
      {"  ", ""},
      {"Monday-FRIDAY 7-19", "mon-fri 07:00-19:00"},
      {" tue 7:05-8:00 ,wed", "tue 07:05-08:00, wed 00:00-24:00"},
      {"mon-sun 00:00-24:00", "00:00-24:00"},
      {"thurs 22:00-06:00", "thu 22:00-06:00"},
      {"sat-mon 9-12", "sat-mon 09:00-12:00"},
  };
  for (const auto& [in, out] : cases) {
    const auto hours = Hours::parse(in);
    ASSERT_TRUE(hours) << in << ": " << hours.error().text;
    EXPECT_EQ(hours->to_string(), out) << in;
    EXPECT_EQ(Hours::parse(hours->to_string()).value(), *hours) << in;
  }
}

TEST(HoursTest, RefuseWhatIsNoTime) {
  for (const auto* text :
       {"mo 7-19", "mon-fri 7", "mon 25:00-26:00", "mon 07:60-08:00", "mon 24:00-06:00", "mon 07:00-07:00", "7:00-19:00 mon",
        "mon 07:00-19:00;", ",", "mon 7-19,", "mon\t7-19", "mon-fry 7-19", "24:01-24:02", "mon 7-19 x", "moon 7-19", "100-200"}) {
    const auto hours = Hours::parse(text);
    ASSERT_FALSE(hours) << text;
    EXPECT_EQ(hours.error().kind, ErrorKind::invalid);
    EXPECT_NE(hours.error().text.find("mon-fri 07:00-19:00"), std::string::npos) << "the remedy";
  }
  std::string many = "mon 7-8";
  for (std::size_t i = 0; i < Hours::max_spans; ++i) many += ",mon 7-8";
  EXPECT_EQ(Hours::parse(many).error().kind, ErrorKind::limit);
}

struct WallTimeTest : ::testing::Test {
  WallTimeTest() { zone("Europe/Berlin"); }
  ~WallTimeTest() override {
    ::unsetenv("TZ");
    ::tzset();
  }
  static void zone(const char* name) {
    ::setenv("TZ", name, 1);
    ::tzset();
  }
};

TEST_F(WallTimeTest, FollowsTheZoneAndItsSummerTime) {
  EXPECT_EQ(wall_time(0).to_string(), "thu 01:00");
  EXPECT_EQ(wall_time(1774745999).to_string(), "sun 01:59");  // 2026-03-29, before the change
  EXPECT_EQ(wall_time(1774746000).to_string(), "sun 03:00");
  EXPECT_EQ(wall_time(1792889999).to_string(), "sun 02:59");  // 2026-10-25
  EXPECT_EQ(wall_time(1792890000).to_string(), "sun 02:00");
  zone("UTC");
  EXPECT_EQ(wall_time(1774746000).to_string(), "sun 01:00");
}

}  // namespace
}  // namespace postern::auth
