// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "store/memory/state.h"

namespace postern::store::memory {

std::unique_ptr<Queue> make_queue(std::shared_ptr<State> state);
/// Adds the entry; with State::mutex held. The caller signals queue_event.
QueueId enqueue(State& state, QueueEntry entry, const BodyPtr& body);

}  // namespace postern::store::memory
