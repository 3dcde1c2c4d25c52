// SPDX-License-Identifier: Apache-2.0
// FETCH responses that no FETCH asked for: of messages that have just come in (RFC 5465 §5.2).
#pragma once

#include "async/task.h"
#include "imap/fetch_item.h"
#include "imap/session.h"

namespace postern::imap {

/// Appends the response of every message of the picture from this UID on, page by page; output is sent as it grows. What cannot
/// be read is left out. \Seen stays as it is. Needs selected state; throws ConnectionOver.
async::Task<> tell_messages(Session& session, const FetchRequest& request, store::Uid from);

}  // namespace postern::imap
