// SPDX-License-Identifier: Apache-2.0
// Giving up root: once ports are bound the process becomes an ordinary user for good.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace postern::daemon {

/// No core dumps, no ptrace by others (security.md D76), umask 077, as many descriptors as the hard limit allows.
/// Returns the descriptor limit.
std::size_t harden_process();

/// Makes the data folder when it is missing (0700) and, when we are root, gives it to the user we will become.
/// Errors, each with the remedy: invalid (no folder, or none can be), denied, no_space, io, not_found (no such user or group).
Result<> prepare_data_folder(const std::filesystem::path& folder, const std::string& user, const std::string& group);

/// As root: becomes user and group (empty: the user's own), without supplementary groups and capabilities, and proves that there
/// is no way back. As anybody else: gives up the capabilities that were for the ports. Root with user empty (the admin's wish to
/// stay): does nothing. Errors: not_found (no such user or group; the text says how to make it), denied.
Result<> drop_privileges(const std::string& user, const std::string& group);

}  // namespace postern::daemon
