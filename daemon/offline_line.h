// SPDX-License-Identifier: Apache-2.0
// Conversations without a running server: a child process becomes the server's user, opens the data folder under its lock and
// speaks the control protocol on a socket pair, while the command line keeps its own rights (docs/decisions/0008).
#pragma once

#include "admin/cli/line.h"

namespace postern::daemon {

/// Forks; must be called while the process has one thread. A store that does not open is told as the answer to the first request.
admin::cli::LineResult open_offline_line(const std::filesystem::path& config_path);

}  // namespace postern::daemon
