// SPDX-License-Identifier: Apache-2.0
// What a load program tells at its end: one JSON object on one line of standard output. Times are of CLOCK_MONOTONIC, so
// that two programs on one machine can be compared; latencies are milliseconds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::bench {

/// CLOCK_MONOTONIC in nanoseconds.
std::uint64_t now_ns();

class Report {
 public:
  Report();

  /// One unit of work that began at `began_ns` is done now.
  void done(std::uint64_t began_ns);
  /// Something was refused or broke; the first few texts go to standard error.
  void error(std::string_view text);

  std::uint64_t count() const { return latencies_.size(); }
  std::uint64_t errors() const { return errors_; }
  /// count, errors, seconds (first start to last unit), rate, p50_ms, p99_ms, max_ms, started_ns, finished_ns and
  /// generator_cpu: the share of one core that this program itself used.
  std::string json();

 private:
  double percentile(double share) const;

  std::uint64_t started_ns_;
  std::uint64_t finished_ns_;
  std::uint64_t errors_ = 0;
  std::vector<float> latencies_;
};

/// The text as a JSON string with its quotes.
std::string quoted(std::string_view text);

}  // namespace postern::bench
