// SPDX-License-Identifier: Apache-2.0
// dkim.check: whether the records of our keys are published, as the running server's resolver sees them.
#pragma once

#include "admin/control.h"
#include "daemon/house.h"

namespace postern::daemon {

/// Registers dkim.check. The house outlives the control socket.
void add_dkim_commands(admin::Control& control, House& house);

}  // namespace postern::daemon
