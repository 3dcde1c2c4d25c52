// SPDX-License-Identifier: Apache-2.0
// Mover: takes a waiting message elsewhere on the admin's order. An interface, so that the runner, who sees to it that nothing is
// being delivered meanwhile, needs no door.
#pragma once

#include "async/task.h"
#include "base/result.h"
#include "store/store.h"

namespace postern::queue {

class Mover {
 public:
  virtual ~Mover() = default;
  /// `entry.recipients` are those to be moved, at least one. They leave the queue when this succeeds.
  virtual async::Task<Result<>> move(const store::QueueEntry& entry) = 0;
};

}  // namespace postern::queue
