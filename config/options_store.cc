// SPDX-License-Identifier: Apache-2.0
// Rows of [quota] and [store].
#include <limits>

#include "config/option.h"

namespace postern::config {
namespace {

constexpr std::uint64_t day = 86400;
/// TOML integers are 64 bits with sign.
constexpr std::uint64_t unlimited_range = std::numeric_limits<std::int64_t>::max();

Section quota() {
  return Builder<Quota>(
             "quota", [](Config& c) -> Quota& { return c.quota; },
             "Given to accounts that are made without a quota of their own (postern account add --quota).")
      .size("default_bytes", &Quota::default_bytes, {0, unlimited_range}, "Mail that an account may keep. 0: no limit.")
      .number("default_messages", &Quota::default_messages, {0, unlimited_range},
              "Messages that an account may keep. 0: no limit.")
      .done();
}

Section store() {
  return Builder<Store>(
             "store", [](Config& c) -> Store& { return c.store; }, "Where mail rests.")
      .duration("undelete_window", &Store::undelete_window, {0, 3650 * day},
                "How long deleted mail can be brought back. It counts for no quota.")
      .size("segment_bytes", &Store::segment_bytes, {MiB, 64 * GiB}, "Size at which a new file of message bodies is begun.")
      .at_restart()
      .done();
}

}  // namespace

std::vector<Section> store_sections() { return {quota(), store()}; }

}  // namespace postern::config
