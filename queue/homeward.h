// SPDX-License-Identifier: Apache-2.0
// Homeward: a Courier that brings to mailboxes of ours what waited in the queue for one of our own addresses: mail that its
// sender wanted held until a time (RFC 4865), or for a domain that came to us meanwhile. Everything else goes to the courier
// behind it. The address is looked up when the time has come, as if the message had just arrived.
#pragma once

#include "auth/directory.h"
#include "base/log.h"
#include "queue/accept.h"
#include "queue/courier.h"

namespace postern::queue {

class Homeward final : public Courier {
 public:
  struct Parts {
    Door& door;
    store::Store& store;
    const auth::Directory& directory;
    Courier& outward;
    Log& log;
  };
  explicit Homeward(Parts parts) : parts_(parts) {}
  async::Task<std::vector<mail::Outcome>> deliver(const store::Claim& claim) override;
  void forget_failures() override { parts_.outward.forget_failures(); }

 private:
  bool is_ours(const store::QueueRecipient& recipient) const;
  async::Task<mail::Outcome> bring(const store::QueueEntry& entry, const store::QueueRecipient& recipient);
  Parts parts_;
};

}  // namespace postern::queue
