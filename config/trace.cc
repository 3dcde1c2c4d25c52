// SPDX-License-Identifier: Apache-2.0
// The options of [trace].
#include "config/trace.h"

#include "config/boxed_impl.h"
#include "config/option.h"

namespace postern::config {

template class Boxed<Trace>;

namespace {

constexpr std::uint64_t day = 86'400;
constexpr std::uint64_t year = 366 * day;
constexpr std::uint64_t least_size = 1024 * 1024;
constexpr std::uint64_t most_size = 1024ULL * 1024 * 1024 * 1024;

}  // namespace

std::vector<Section> trace_sections() {
  using T = Trace;
  auto section =
      Builder<T>(
          "trace", [](Config& c) -> T& { return *c.trace; },
          "The story of each message for `postern trace`: connection, rules, door, mailboxes, attempts and replies, in a\n"
          "database of its own (trace.db). The first limit that is reached removes the oldest.")
          .flag("enabled", &T::enabled, "Keep it.")
          .at_restart()
          .duration("keep", &T::keep, {3600, year}, "For so long.")
          .at_restart()
          .number("events", &T::events, {1000, 1'000'000'000}, "Most events; a message has two to five.")
          .at_restart()
          .size("size", &T::size, {least_size, most_size}, "Most room on the disk.")
          .at_restart()
          .done();
  return {std::move(section)};
}

}  // namespace postern::config
