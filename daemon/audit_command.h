// SPDX-License-Identifier: Apache-2.0
// audit.tell: what `postern audit --nightly` has to say goes to the postmaster as mail.
#pragma once

#include "admin/control.h"
#include "queue/letter.h"

namespace postern::daemon {

/// Registers "audit.tell" with the arguments to, subject and text. What `writing` refers to outlives the control socket.
void add_audit_command(admin::Control& control, const queue::Writing& writing);

}  // namespace postern::daemon
