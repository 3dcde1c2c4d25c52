// SPDX-License-Identifier: Apache-2.0
// Counting, the same series twice, handles of nobody, and the text format.
#include "base/metrics.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

TEST(Metrics, CountsAndShows) {
  Metrics metrics;
  metrics.counter("postern_messages_total", "Messages.", {{"result", "accepted"}}).add();
  metrics.counter("postern_messages_total", "Messages.", {{"result", "accepted"}}).add(2);
  metrics.counter("postern_messages_total", "Messages.", {{"result", "refused"}}).add();
  const auto gauge = metrics.gauge("postern_connections", "Connections.");
  gauge.set(5);
  gauge.add(-2);
  metrics.histogram("postern_seconds", "Time.", {0.1, 1}).observe(0.5);
  const auto text = metrics.exposition();
  for (const char* line : {"# HELP postern_messages_total Messages.\n", "# TYPE postern_messages_total counter\n",
                           "postern_messages_total{result=\"accepted\"} 3\n", "postern_messages_total{result=\"refused\"} 1\n",
                           "postern_connections 3\n", "postern_seconds_bucket{le=\"0.1\"} 0\n",
                           "postern_seconds_bucket{le=\"1\"} 1\n", "postern_seconds_count 1\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\nin\n" << text;
  }
}

TEST(Metrics, EscapesLabels) {
  Metrics metrics;
  metrics.counter("c_total", "C.", {{"name", "a\"b\\c\nd"}}).add();
  EXPECT_NE(metrics.exposition().find(R"(c_total{name="a\"b\\c\nd"} 1)"), std::string::npos) << metrics.exposition();
}

TEST(Metrics, HandlesOfNobodyCountNothing) {
  Counter().add();
  Gauge().set(1);
  Gauge().add(1);
  Histogram().observe(1);
}

}  // namespace
}  // namespace postern
