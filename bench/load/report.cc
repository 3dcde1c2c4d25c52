// SPDX-License-Identifier: Apache-2.0
// Counting and printing.
#include "bench/load/report.h"

#include <fmt/core.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstdio>

namespace postern::bench {

namespace {

constexpr std::uint64_t errors_shown = 5;
constexpr double ns_per_second = 1e9;
constexpr double ns_per_ms = 1e6;

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

}  // namespace

std::uint64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

Report::Report() : started_ns_(now_ns()), finished_ns_(started_ns_) {}

void Report::done(std::uint64_t began_ns) {
  finished_ns_ = now_ns();
  latencies_.push_back(static_cast<float>(static_cast<double>(finished_ns_ - began_ns) / ns_per_ms));
}

void Report::error(std::string_view text) {
  if (errors_++ < errors_shown) fmt::print(stderr, "error: {}\n", text);
}

double Report::percentile(double share) const {
  if (latencies_.empty()) return 0;
  const auto index = static_cast<std::size_t>(share * static_cast<double>(latencies_.size()));
  return static_cast<double>(latencies_[std::min(index, latencies_.size() - 1)]);
}

std::string Report::json() {
  std::ranges::sort(latencies_);
  const double seconds = std::max(static_cast<double>(finished_ns_ - started_ns_) / ns_per_second, 1e-9);
  return fmt::format(R"({{"count":{},"errors":{},"seconds":{:.4f},"rate":{:.1f},"p50_ms":{:.3f},"p99_ms":{:.3f},"max_ms":{:.3f},)"
                     R"("started_ns":{},"finished_ns":{},"generator_cpu":{:.2f}}})",
                     count(), errors_, seconds, static_cast<double>(count()) / seconds, percentile(0.5), percentile(0.99),
                     percentile(1.0), started_ns_, finished_ns_, cpu_seconds() / seconds);
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= ' ') out += c;
  }
  return out + '"';
}

}  // namespace postern::bench
