// SPDX-License-Identifier: Apache-2.0
// DNS lists as the file writes them.
#include "config/dns_list.h"

#include <gtest/gtest.h>

namespace postern::config {
namespace {

TEST(DnsList, ReadsWhatItShows) {
  for (const char* text :
       {"bl.example.org 4", "bl.example.org=127.0.0.2-11 4.5", "wl.example.org=127.0.*.2-3 -3", "bl.example.org 0"}) {
    const auto list = DnsList::parse(text);
    ASSERT_TRUE(list) << text;
    EXPECT_EQ(list->to_string(), text);
  }
}

TEST(DnsList, RefusesTheRest) {
  for (const char* text :
       {"", "bl.example.org", "bl.example.org x", "bl.example.org 101", "bl.example.org nan", "bl 4", "bl.example.org= 4",
        "bl.example.org=127.0.0 4", "bl.example.org=127.0.0.2.3 4", "bl.example.org=10.0.0.2 4", "bl.example.org=127.0.0.11-2 4",
        "bl.example.org=127.0.0.256 4", "bl.example.org=127.0.0.* 4 5", "b l.example 4"}) {
    EXPECT_FALSE(DnsList::parse(text)) << text;
  }
}

TEST(DnsList, CountsAnswersInTheRange) {
  const auto list = *DnsList::parse("wl.example.org=127.0.*.2-3 -3");
  EXPECT_TRUE(list.counts({127, 0, 9, 2}));
  EXPECT_TRUE(list.counts({127, 0, 0, 3}));
  EXPECT_FALSE(list.counts({127, 0, 9, 1}));
  EXPECT_FALSE(list.counts({127, 1, 9, 2}));
  EXPECT_FALSE(list.counts({10, 0, 9, 2}));
}

}  // namespace
}  // namespace postern::config
