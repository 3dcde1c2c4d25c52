// SPDX-License-Identifier: Apache-2.0
// Forwarding: what is done at the door to mail of others that an alias or an account of ours sends on. The sender becomes an
// address of ours (SRS, policy/srs.h), so that the next server's SPF check passes and notices come back through us; when
// [forwarding] arc is on, what we saw of the message's authentication is sealed on top (ARC, policy/arc_seal.h).
//
// Only a queue entry whose recipients are all forwards is touched: what our own people send keeps its sender. The null sender
// stays null. The door calls dress() before it stores the entry, so every attempt sends the same.
#pragma once

#include <optional>
#include <string>

#include "async/task.h"
#include "auth/directory.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "config/live.h"
#include "queue/accept.h"
#include "store/store.h"

namespace postern::policy {
class DkimBook;
class Srs;
}  // namespace postern::policy

namespace postern::queue {

/// Thread-safe.
class Forwarding {
 public:
  struct Parts {
    const policy::Srs& srs;
    policy::DkimBook& book;
    const auth::Directory& directory;
    const config::Live& config;
    const Clock& clock;
    Log& log;
    Metrics& metrics;
  };
  explicit Forwarding(Parts parts);

  /// Rewrites the entry's sender and seals it. A message that cannot be rewritten or sealed goes as it is: mail is worth more.
  /// Errors: those of reading the body.
  async::Task<Result<>> dress(const Arrival& arrival, store::QueueEntry& entry) const;
  /// The true sender of what was rewritten here; any other address as it is. For notices of our own.
  mail::Address undressed(const mail::Address& sender) const;

 private:
  void rewrite(const Arrival& arrival, store::QueueEntry& entry) const;
  async::Task<Result<std::string>> seal(const Arrival& arrival) const;
  Parts parts_;
  Counter rewritten_;
  Counter kept_;
  Counter sealed_;
};

}  // namespace postern::queue
