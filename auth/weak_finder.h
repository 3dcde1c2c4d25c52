// SPDX-License-Identifier: Apache-2.0
// WeakFinder: judges the passwords that people log in with, behind their backs and out of their way, so that the admin learns who
// should change theirs. Nobody is refused or delayed by it: the queue is bounded, and what does not fit is judged at a later
// login. Each credential is judged once for each start of the server and each breach list.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_set>

#include "async/offload.h"
#include "auth/directory.h"
#include "auth/strength.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/secret.h"
#include "store/credentials.h"

namespace postern::auth {

/// What the finder works with; everything outlives it.
struct WeakFinderParts {
  store::Credentials& credentials;
  const Directory& directory;
  const Gate& gate;
  const Clock& clock;
  Log& log;
  Metrics& metrics;
};

class WeakFinder {
 public:
  WeakFinder(WeakFinderParts parts, std::string hostname);
  ~WeakFinder();

  /// A main password (OpaqueString) that was just proven right. Never waits. Thread-safe.
  void look(store::AccountId account, store::CredentialId credential, const Secret& password);
  /// Takes no more, ends what runs.
  void stop() { pool_.stop(); }

 private:
  struct Found {
    store::AccountId account = 0;
    store::CredentialId credential = 0;
    Secret password;
  };
  void judge(const Found& found);
  bool is_new(store::CredentialId credential);
  void forget(store::CredentialId credential);

  WeakFinderParts parts_;
  std::string hostname_;
  Counter flagged_;
  std::mutex mutex_;
  // Under mutex_.
  std::unordered_set<store::CredentialId> judged_;
  std::uint64_t edition_ = 0;
  async::Pool pool_;
};

}  // namespace postern::auth
