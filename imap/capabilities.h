// SPDX-License-Identifier: Apache-2.0
// The capabilities we have, in the order they are announced. Only what works in full is here.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace postern::imap {

/// "IMAP4rev1 LITERAL+ …" for CAPABILITY. Before the login `mechanisms` adds AUTH=…; after it, what needs an account.
std::string capabilities_before_login(const config::Config& config, const std::vector<std::string>& mechanisms);
std::string capabilities_after_login(const config::Config& config);

}  // namespace postern::imap
