// SPDX-License-Identifier: Apache-2.0
// Courier: carries one message to recipients of one domain. The queue asks only what became of each (mail::Outcome).
// outbound/courier is the real one; tests have a scripted one.
#pragma once

#include <vector>

#include "async/task.h"
#include "mail/outcome.h"
#include "store/store.h"

namespace postern::queue {

class Courier {
 public:
  virtual ~Courier() = default;
  /// One outcome per recipient of claim.entry.recipients, in order. Reads the body from the store when needed. Never throws
  /// for what the network does.
  virtual async::Task<std::vector<mail::Outcome>> deliver(const store::Claim& claim) = 0;
  /// Hosts that are left alone after a failure are tried again with the next message: somebody says that they are back.
  virtual void forget_failures() {}
};

}  // namespace postern::queue
