// SPDX-License-Identifier: Apache-2.0
// Dates: the forms of RFC 5322 and of its past, bounds, and that writing and reading agree.
#include "mime/date.h"

#include <gtest/gtest.h>

namespace postern::mime {
namespace {

TEST(Date, ReadsCurrentAndObsoleteForms) {
  struct Case {
    std::string_view text;
    UnixTime at;
    int zone;
  };
  const Case cases[] = {
      {"Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360},
      {"21 Nov 97 09:55:06 GMT", 880106106, 0},
      {"Fri, 21 Nov 1997 09(comment (nested)):   55  :  06 -0600", 880127706, -360},
      {"Thu,\r\n 13\r\n Feb\r\n 1969\r\n 23:32\r\n -0330 (Newfoundland Time)", -27723480, -210},
      {"1 Jan 70 00:00 EST", 18000, -300},
      {"1 Jan 49 00:00 Z", 2493072000, 0},
      {"1 Jan 50 00:00 +0000", -631152000, 0},
      {"1 Jan 100 00:00 +0000", 946684800, 0},
      {"Mon, 2 January 2006 15:04:05 +0000", 1136214245, 0},
      {"2-Jan-2006 15:04:05 +0100", 1136210645, 60},
      {"29 Feb 2000 12:00:60 +0000", 951825660, 0},
      {"1 Jan 2000 00:00:00 XYZ", 946684800, 0},
      {"31 Dec 9999 23:59:59 +9959", 253402300799 - 359940, 5999},
  };
  for (const Case& one : cases) {
    const auto date = parse_date(one.text);
    ASSERT_TRUE(date) << one.text;
    EXPECT_EQ(date->at, one.at) << one.text;
    EXPECT_EQ(date->zone_minutes, one.zone) << one.text;
  }
}

TEST(Date, RefusesWhatIsNoDate) {
  for (const std::string_view text :
       {"", "yesterday", "32 Jan 2000 00:00 +0000", "29 Feb 2001 00:00 +0000", "1 Jan 2000", "1 Jan 2000 24:00 +0000",
        "1 Jan 2000 00:60 +0000", "1 Jan 2000 00:00 +0060", "1 Jan 2000 00:00 +00000", "0 Jan 2000 00:00 +0000",
        "1 Foo 2000 00:00 +0000", "1 Jan 0000 00:00 +0000", "1 Jan 99999999999999999999 00:00 +0000",
        "1 Jan 2000 0000000000000:00 +0000", "((((((", "1 Jan 2000 00:00 +\\"}) {
    EXPECT_FALSE(parse_date(text)) << text;
  }
  EXPECT_FALSE(parse_date(std::string(1'000'000, '9')));
  EXPECT_FALSE(parse_date("1 Jan 2000 " + std::string(1'000'000, '(')));
}

TEST(Date, WritesWhatItReads) {
  EXPECT_EQ(format_date({1136239445, -420}), "Mon, 02 Jan 2006 15:04:05 -0700");
  for (const UnixTime at : {UnixTime{0}, UnixTime{-1}, UnixTime{1'800'000'000}, UnixTime{4'102'444'799}}) {
    for (const int zone : {0, 330, -720, 840}) {
      EXPECT_EQ(parse_date(format_date({at, zone})).value(), (Date{at, zone}));
    }
  }
}

TEST(Date, CivilTimeStaysInBounds) {
  EXPECT_EQ(to_civil(INT64_MAX, INT32_MAX).year, 9999);
  EXPECT_EQ(to_civil(INT64_MIN, INT32_MIN).year, 1);
  EXPECT_EQ(to_unix(to_civil(951825600, 60)), 951825600);
  EXPECT_EQ(weekday({2024, 2, 29}), 4);
  EXPECT_EQ(month_name(12), "Dec");
  EXPECT_EQ(month_number("fEb"), 2);
  EXPECT_EQ(month_number("feb "), std::nullopt);
  EXPECT_EQ(format_zone(-210), "-0330");
}

}  // namespace
}  // namespace postern::mime
