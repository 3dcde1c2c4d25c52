// SPDX-License-Identifier: Apache-2.0
// The capabilities we have, in the order they are announced. Only what works in full is here.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace postern::imap {

/// "IMAP4rev1 LITERAL+ …" for CAPABILITY. Before the login `mechanisms` adds AUTH=…; after it, what needs an account.
std::string capabilities_before_login(const config::Config& config, const std::vector<std::string>& mechanisms);
/// `account_off`: what this account's clients do not get, with spaces between the names.
std::string capabilities_after_login(const config::Config& config, std::string_view account_off);
/// Whether the admin took it away from all, or from this account. "SORT" takes "SORT=DISPLAY" with it, "THREAD" all algorithms.
bool is_capability_off(const config::Config& config, std::string_view account_off, std::string_view name);

}  // namespace postern::imap
