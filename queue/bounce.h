// SPDX-License-Identifier: Apache-2.0
// Bouncer: sends delivery status notifications to senders that have a right to them, through the Door like any other message.
//
// security.md D22, D23 and product.md promise 4: the notice has the null reverse path; there is none about a message with a null
// sender, and none to a sender that neither logged in nor was verified at acceptance. A sender with a mailbox of ours gets it
// there; RemoteRecipient lets only this class make a recipient elsewhere without a RelayRight.
// The caller records its decision after the notice was accepted: a crash between the two repeats a notice, never loses one.
#pragma once

#include <string>
#include <vector>

#include "async/task.h"
#include "auth/directory.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "config/live.h"
#include "queue/accept.h"
#include "queue/dsn.h"
#include "store/store.h"

namespace postern::queue {

/// Must outlive the last accept() of its Door.
class Bouncer final : public Confirmer {
 public:
  struct Parts {
    Door& door;
    auth::Directory& directory;
    store::Queue& queue;
    config::Live& config;
    Clock& clock;
    Log& log;
    Metrics& metrics;
    const Forwarding* forwarding = nullptr;  ///< null: no sender was ever rewritten here
  };
  /// Becomes the Door's confirmer.
  explicit Bouncer(Parts parts);
  ~Bouncer() override;

  /// One notice about recipients of an entry in the queue. Errors: denied (the sender may not be told, or is no address of ours
  /// any more: hold the message), otherwise those of the Door and of reading the message.
  async::Task<Result<>> notify(const store::QueueEntry& entry, Dsn::Action action, std::vector<DsnRecipient> about);

  /// Reports success of local deliveries (RFC 3461 §6.2) to the recipients' sender: those in `delivered` that asked for it.
  /// Does nothing when nobody asked or the sender may not be told. Errors as above.
  async::Task<Result<>> confirm(Confirmation confirmation) override;

 private:
  async::Task<Result<>> read_original(const store::QueueEntry& entry, Dsn::Action action, Dsn& out);
  async::Task<Result<>> send(Dsn dsn, store::BounceRight right);
  Result<> address(Arrival& arrival, const mail::Address& to) const;

  Parts parts_;
  Counter sent_;
};

}  // namespace postern::queue
