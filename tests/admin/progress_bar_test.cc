// SPDX-License-Identifier: Apache-2.0
#include "admin/cli/progress_bar.h"

#include <gtest/gtest.h>

namespace postern::admin::cli {
namespace {

TEST(ProgressBar, LinesOfEachKind) {
  ProgressState state;
  state.plan = {200'000, 0};
  state.messages = 80'000;
  state.rate = 7'500;
  state.folder = "Archive/2020";
  EXPECT_EQ(progress_line(state, 200),
            "[#########               ]  40 %  80,000 of 200,000 messages, 7,500/s, 16 s left, Archive/2020");
  EXPECT_EQ(progress_line(state, 20).size(), 20u);
  // An mbox file: the octets are known, the messages are not.
  state.plan = {0, 1'000'000};
  state.bytes = 500'000;
  state.byte_rate = 1'000;
  EXPECT_EQ(progress_line(state, 200),
            "[############            ]  50 %  80,000 messages, 7,500/s, 8 min 20 s left, Archive/2020");
  state.plan = {};
  EXPECT_EQ(progress_line(state, 200), "80,000 messages, 7,500/s, Archive/2020");
  // More than was planned.
  state.plan = {10, 0};
  EXPECT_EQ(progress_line(state, 200),
            "[########################] 100 %  80,000 of 10 messages, 7,500/s, 0 s left, Archive/2020");
}

TEST(ProgressBar, ALineIsNotCutInsideALetter) {
  ProgressState state;
  state.folder = "Entwürfe";
  for (std::size_t columns = 1; columns < 40; ++columns) {
    const auto line = progress_line(state, columns);
    EXPECT_TRUE(line.empty() || (static_cast<unsigned char>(line.back()) < 0x80 || line.ends_with("\xbc"))) << columns;
  }
}

TEST(ProgressBar, Durations) {
  EXPECT_EQ(human_duration(std::chrono::seconds(0)), "0 s");
  EXPECT_EQ(human_duration(std::chrono::seconds(200)), "3 min 20 s");
  EXPECT_EQ(human_duration(std::chrono::seconds(3723)), "1 h 02 min");
}

}  // namespace
}  // namespace postern::admin::cli
