// SPDX-License-Identifier: Apache-2.0
// FETCH responses that no FETCH asked for: of messages that have just come in (RFC 5465 §5.2, §7).
#pragma once

#include <vector>

#include "async/task.h"
#include "imap/fetch_item.h"
#include "store/ids.h"

namespace postern::imap {

class Session;

/// What is to be told of some messages.
struct WantedFetch {
  store::UidSet uids;
  FetchRequest request;
};

/// Appends one response for each message that is wanted by any (RFC 5465 §5.2), with the items of all that want it and its UID;
/// output is sent as it grows. What cannot be read is left out. \Seen stays as it is. Needs selected state; throws
/// ConnectionOver.
async::Task<> tell_messages(Session& session, const std::vector<WantedFetch>& wanted);

}  // namespace postern::imap
