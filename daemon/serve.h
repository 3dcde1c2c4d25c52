// SPDX-License-Identifier: Apache-2.0
// serve: the life of the running server, readable from top to bottom: start order, waiting for signals, stop order.
#pragma once

#include <filesystem>

#include "config/config.h"
#include "daemon/sandbox.h"

namespace postern::daemon {

/// Serves until SIGTERM or SIGINT; gives the exit code. Errors go to standard error, one line each with the remedy.
int serve(const std::filesystem::path& config_path);

/// Enters the sandbox as serve() would and shows what it refuses; exit code 0 when all is as it should be.
int show_sandbox_probe(const std::filesystem::path& config_path, bool json);

/// What is allowed inside under this configuration.
SandboxPaths sandbox_paths(const config::Config& config, const std::filesystem::path& config_path);

}  // namespace postern::daemon
