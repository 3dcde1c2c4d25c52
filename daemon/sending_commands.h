// SPDX-License-Identifier: Apache-2.0
// account.suspended and account.resume: whose sending is suspended in the running server, and its end.
#pragma once

#include "admin/control.h"
#include "auth/directory.h"
#include "submission/allowance.h"

namespace postern::daemon {

/// Registers both. Directory and allowance outlive the control socket.
void add_sending_commands(admin::Control& control, const auth::Directory& directory, submission::Allowance& allowance);

}  // namespace postern::daemon
