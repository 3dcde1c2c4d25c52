// SPDX-License-Identifier: Apache-2.0
// What each account has sent of late, whom it has written to before, and whose sending is suspended; one book of the ledger.
// Written in passing: losing it gives every account a fresh day.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"

namespace postern::store {

/// What an account sent in one piece of time.
struct SentRow {
  AccountId account = 0;
  UnixTime slot = 0;  ///< its beginning
  std::uint32_t messages = 0;
  std::uint32_t recipients = 0;
  std::uint32_t fresh = 0;  ///< recipients that it had never written to
};

/// Somebody elsewhere to whom an account has written.
struct CorrespondentRow {
  AccountId account = 0;
  std::uint64_t hash = 0;  ///< of the address
  UnixTime last = 0;
};

struct SuspensionRow {
  AccountId account = 0;
  UnixTime since = 0;
  UnixTime until = 0;  ///< 0: until the admin resumes it
  std::string reason;  ///< one line
  bool operator==(const SuspensionRow&) const = default;
};

/// Thread-safe; note…() return at once.
class SendingBook {
 public:
  virtual ~SendingBook() = default;
  struct Recalled {
    std::vector<SentRow> sent;
    std::vector<CorrespondentRow> correspondents;  ///< newest first
    std::vector<SuspensionRow> suspensions;
  };
  /// What is known: slots and correspondents since the given times, at most `most` correspondents.
  struct Since {
    UnixTime sent = 0;
    UnixTime correspondents = 0;
    std::size_t most = 1'000'000;
  };
  virtual Result<Recalled> recall(Since since) = 0;
  /// Adds to what the slot has; older rows than `since` go.
  virtual void note(SentRow more, std::vector<CorrespondentRow> correspondents, Since since) = 0;
  virtual void suspend(SuspensionRow row) = 0;
  virtual void lift(AccountId account) = 0;
  /// Forgets what the account sent.
  virtual void forgive(AccountId account) = 0;
};

}  // namespace postern::store
