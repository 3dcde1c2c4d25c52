// SPDX-License-Identifier: Apache-2.0
// The account that a command is about.
#pragma once

#include "admin/control.h"

namespace postern::admin {

/// By the argument "login". Error not_found with the remedy.
Result<store::AccountRow> find_account(Context context, const Arguments& arguments);

/// The account as `account list` shows it: settings of the row, limits and use.
boost::json::object describe_account(const store::AccountRow& row, const store::Quota& quota);
/// What a new account may keep when nobody says it: its domain's default, or the configuration's.
store::Ceiling default_quota(Context context, std::string_view login);

}  // namespace postern::admin
