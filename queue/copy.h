// SPDX-License-Identifier: Apache-2.0
// A queue entry that goes through the door again: to another address, or home.
#pragma once

#include "async/task.h"
#include "base/result.h"
#include "queue/accept.h"
#include "store/store.h"

namespace postern::queue {

/// Prefix and body together. Large ones go into a file. Errors: not_found (the entry is gone), no_space, io.
async::Task<Result<store::BodyPtr>> copy_message(store::Store& store, store::QueueId entry);

/// Gives the arrival the entry's message, sender and all that was asked for it; its recipients and trace stay. Errors: as
/// copy_message().
async::Task<Result<>> carry_over(store::Store& store, const store::QueueEntry& entry, Arrival& arrival);

}  // namespace postern::queue
