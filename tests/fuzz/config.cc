// SPDX-License-Identifier: Apache-2.0
// Any octets as postern.toml: a configuration or at least one problem, never a crash.
#include <cstdint>
#include <cstdlib>

#include "config/live.h"
#include "config/parse.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto loaded = postern::config::parse({reinterpret_cast<const char*>(data), size});
  if (!loaded && loaded.error().empty()) std::abort();
  if (loaded && !postern::config::restart_needed(loaded->config, loaded->config).empty()) std::abort();
  return 0;
}
