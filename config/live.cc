// SPDX-License-Identifier: Apache-2.0
// A mutex around one pointer: taken for the length of a copy.
#include "config/live.h"

#include <utility>

namespace postern::config {

Live::Live(Config config) : config_(std::make_shared<const Config>(std::move(config))) {}

std::shared_ptr<const Config> Live::get() const {
  const std::lock_guard lock(mutex_);
  return config_;
}

void Live::replace(Config config) {
  auto fresh = std::make_shared<const Config>(std::move(config));
  const std::lock_guard lock(mutex_);
  config_.swap(fresh);
}

}  // namespace postern::config
