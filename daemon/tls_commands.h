// SPDX-License-Identifier: Apache-2.0
// tls.explain: the way of mail for a domain and what is demanded of TLS there, as the running server sees it.
#pragma once

#include "admin/control.h"
#include "daemon/house.h"

namespace postern::daemon {

/// Registers tls.explain. The house outlives the control socket.
void add_tls_commands(admin::Control& control, House& house);

}  // namespace postern::daemon
