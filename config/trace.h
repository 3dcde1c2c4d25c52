// SPDX-License-Identifier: Apache-2.0
// [trace] What is kept of the story of each message (trace.db). As in config.h, one field for each key, the initialisers are the
// defaults.
#pragma once

#include <chrono>
#include <cstdint>

namespace postern::config {

struct Trace {
  bool enabled = true;
  std::chrono::seconds keep{14 * 86400};
  std::uint64_t events = 2'000'000;
  std::uint64_t size = 512ULL * 1024 * 1024;
  bool operator==(const Trace&) const = default;
};

}  // namespace postern::config
