// SPDX-License-Identifier: Apache-2.0
// The sandbox: no_new_privs, Landlock (files, bind, signals) and seccomp, put on before any thread starts, so that all
// threads inherit it (security.md §4.2, option O1). What a taken-over process may still do: use the data folder, read its
// configuration and certificates, talk on the network. It may not start programs, read other files, or touch the kernel.
// Off in sanitizer builds, whose runtime needs what it forbids.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace postern::daemon {

struct SandboxPaths {
  std::vector<std::filesystem::path> read_write;  ///< folders
  std::vector<std::filesystem::path> read_only;   ///< files or folders; missing ones are left out
};

/// What the kernel gave us, for the log: "no_new_privs, landlock ABI 5, seccomp".
Result<std::string> enter_sandbox(const SandboxPaths& paths);

/// One forbidden thing tried from inside.
struct Probe {
  std::string what;
  bool refused = false;
};
/// Tries what the sandbox must forbid, and what it must allow (`refused` is then inverted: true means as it should be).
std::vector<Probe> probe_sandbox(const SandboxPaths& paths);

}  // namespace postern::daemon
