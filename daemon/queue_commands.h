// SPDX-License-Identifier: Apache-2.0
// queue.fail and queue.redirect: orders that the running server alone can carry out, because it must not be delivering the
// same recipients meanwhile.
#pragma once

#include "admin/control.h"
#include "daemon/house.h"

namespace postern::daemon {

/// Registers both. The house outlives the control socket.
void add_queue_commands(admin::Control& control, House& house);

}  // namespace postern::daemon
