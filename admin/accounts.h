// SPDX-License-Identifier: Apache-2.0
// The account that a command is about.
#pragma once

#include "admin/control.h"

namespace postern::admin {

/// By the argument "login". Error not_found with the remedy.
Result<store::AccountRow> find_account(Context context, const Arguments& arguments);

}  // namespace postern::admin
