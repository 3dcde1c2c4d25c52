// SPDX-License-Identifier: Apache-2.0
// The command line of `postern`.
#pragma once

#include <memory>
#include <vector>

#include "admin/cli/subcommand.h"

namespace postern::admin::cli {

/// Opens the store itself for commands when no server runs (given by the daemon's main). Failures have the codes of serve.
using OfflineOpener = std::function<std::expected<std::unique_ptr<Remote>, Failure>(const std::filesystem::path& config_path)>;

struct Program {
  std::vector<Subcommand> extra;  ///< `serve`, from the daemon
  OfflineOpener offline;
  std::string version;
  LineOpener offline_line = {};
};

/// Parses, runs one subcommand, gives the exit code.
int run(int argc, char** argv, Program program);

/// Default place of the configuration.
inline constexpr const char* default_config_path = "/etc/postern/postern.toml";

}  // namespace postern::admin::cli
