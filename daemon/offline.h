// SPDX-License-Identifier: Apache-2.0
// Commands without a running server: the same ones, on the data folder itself, under its lock.
#pragma once

#include <filesystem>
#include <memory>

#include "admin/cli/app.h"
#include "daemon/failure.h"

namespace postern::daemon {

/// Becomes the configured user, locks and opens the data folder. Failures are those of serve(), with the same codes.
Started<std::unique_ptr<admin::cli::Remote>> open_offline(const std::filesystem::path& config_path);

}  // namespace postern::daemon
