// SPDX-License-Identifier: Apache-2.0
// Redirector: sends a waiting message to another address, as the admin orders. The message goes through the door as a new one
// with the old trace and signature; only when it is durable, the runner takes the old recipients out of the queue. A crash in
// between sends it twice, never not at all.
#pragma once

#include "auth/directory.h"
#include "base/clock.h"
#include "base/log.h"
#include "config/live.h"
#include "queue/accept.h"
#include "queue/mover.h"

namespace postern::queue {

class Redirector final : public Mover {
 public:
  struct Parts {
    Door& door;
    store::Store& store;
    const auth::Directory& directory;
    const config::Live& config;
    const Clock& clock;
    Log& log;
  };
  /// `to`: an address of ours, which is resolved, or one elsewhere.
  Redirector(Parts parts, mail::Address to) : parts_(parts), to_(std::move(to)) {}

  /// Errors: those of resolving `to`, of reading the message and of the door.
  async::Task<Result<>> move(const store::QueueEntry& entry) override;

 private:
  Result<> address(Arrival& arrival, const store::QueueRecipient& from) const;
  Parts parts_;
  mail::Address to_;
};

}  // namespace postern::queue
