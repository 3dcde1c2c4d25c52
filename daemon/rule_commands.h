// SPDX-License-Identifier: Apache-2.0
// rule.*: the admin's words about the gate of the running server: what each rule is set to, our own list, and what would happen
// to a mail.
#pragma once

#include "admin/control.h"
#include "policy/gate.h"

namespace postern::daemon {

/// Registers rule.list, rule.add, rule.remove and rule.explain. The gate outlives the control socket.
void add_rule_commands(admin::Control& control, policy::Gate& gate);

}  // namespace postern::daemon
