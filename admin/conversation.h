// SPDX-License-Identifier: Apache-2.0
// Conversations: commands after whose answer the connection goes on with a protocol of its own, until it ends. The conversation
// writes the first answer itself, because a refusal has no continuation.
#pragma once

#include "admin/control.h"

namespace postern::admin {

using Conversation = async::Task<> (*)(Context context, Arguments arguments, net::Connection& peer);

/// Null when there is none of this name.
Conversation find_conversation(std::string_view name);

/// A command's answer as a line of the control socket.
std::string answer_line(const Answer& answer);

namespace conversations {

/// `mailboxes {login}`: the account's mailboxes by transfer/wire.h, for import and export.
async::Task<> mailboxes(Context context, Arguments arguments, net::Connection& peer);

}  // namespace conversations

}  // namespace postern::admin
