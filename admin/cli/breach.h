// SPDX-License-Identifier: Apache-2.0
// postern breach import|info|check|remove: the offline list of passwords that were found in breaches. These commands work on the
// file in the data folder, with or without a running server, which follows by itself.
#pragma once

#include <functional>

#include "admin/cli/subcommand.h"
#include "config/config.h"

namespace postern::admin::cli {

/// Makes the data folder ready and becomes the user whose it is (given by the daemon's main). Errors as text for the admin.
using BecomeOwner = std::function<Result<>(const config::Server& server)>;

std::vector<Subcommand> breach_commands(const BecomeOwner& become_owner);

}  // namespace postern::admin::cli
