// SPDX-License-Identifier: Apache-2.0
// explain: what port 25 of the running server would say to a mail, and why (smtp/rehearsal.h).
#pragma once

#include "admin/control.h"
#include "auth/ban_desk.h"
#include "policy/gate.h"
#include "smtp/conversation.h"

namespace postern::daemon {

/// Most octets of a message that is explained; in base64 it fits a control line.
inline constexpr std::size_t explained_message_max = 8 * 1024 * 1024;

/// What the command works on; all outlives the control socket.
struct ExplainParts {
  smtp::Parts smtp;
  policy::Gate& gate;
  const auth::BanDesk& bans;
};

/// Registers "explain". Arguments: ip, to; optional from, helo, message (base64).
void add_explain_command(admin::Control& control, const ExplainParts& parts);

}  // namespace postern::daemon
