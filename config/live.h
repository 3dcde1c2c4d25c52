// SPDX-License-Identifier: Apache-2.0
// Live: the configuration that is in force. Sessions take get() when they need a value, so that a reload (SIGHUP) reaches
// them at the next command; whoever holds the pointer keeps a consistent Config for as long as it wants.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "config/config.h"

namespace postern::config {

/// Thread-safe; never empty.
class Live {
 public:
  explicit Live(Config config);
  std::shared_ptr<const Config> get() const;
  void replace(Config config);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Config> config_;
};

/// Keys ("listen.smtp") that differ and take effect only at the next start.
std::vector<std::string> restart_needed(const Config& running, const Config& wanted);

}  // namespace postern::config
