// SPDX-License-Identifier: Apache-2.0
// A queue entry's message as a new body, for one that goes through the door again: to another address, or home.
#pragma once

#include "async/task.h"
#include "base/result.h"
#include "store/store.h"

namespace postern::queue {

/// Prefix and body together. Large ones go into a file. Errors: not_found (the entry is gone), no_space, io.
async::Task<Result<store::BodyPtr>> copy_message(store::Store& store, store::QueueId entry);

}  // namespace postern::queue
