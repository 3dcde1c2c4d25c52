// SPDX-License-Identifier: Apache-2.0
// trace: the stories of messages out of trace.db.
#pragma once

#include "admin/control.h"
#include "store/trace_book.h"

namespace postern::daemon {

/// Registers "trace". Arguments, all optional: what (a word), from, until (seconds since 1970), most. Without a book each call
/// says how to get one. The book outlives the control socket.
void add_trace_command(admin::Control& control, store::TraceBook* book);

}  // namespace postern::daemon
