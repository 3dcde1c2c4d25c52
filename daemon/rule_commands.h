// SPDX-License-Identifier: Apache-2.0
// rule.*: the admin's words about the gate of the running server: what each rule is set to, and our own list.
#pragma once

#include "admin/control.h"
#include "policy/gate.h"

namespace postern::daemon {

/// Registers rule.list, rule.add and rule.remove. The gate outlives the control socket.
void add_rule_commands(admin::Control& control, policy::Gate& gate);

}  // namespace postern::daemon
