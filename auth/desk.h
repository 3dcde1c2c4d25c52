// SPDX-License-Identifier: Apache-2.0
// LoginDesk: where an attempt is decided. Plain synchronous code over guard, cache, vault and SASL; whoever calls it says
// whether it may hash (a thread of the pool) or not (any thread). The only caller of IdentityIssuer.
//
// Invariants: unknown, disabled and wrong end in the same Step (D67); a failure of ours is never counted (D68); nothing is
// hashed for an attempt that the guard refuses; every attempt that ends is logged once, without secrets.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "auth/cache.h"
#include "auth/credentials.h"
#include "auth/directory.h"
#include "auth/guard.h"
#include "auth/sasl.h"
#include "auth/service.h"
#include "auth/settings.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/secret.h"

namespace postern::auth {

/// What the desk works with; everything outlives it.
struct DeskParts {
  store::Credentials& credentials;
  Directory& directory;
  SaslLibrary& sasl;
  const Clock& clock;
  Log& log;
  Metrics& metrics;
};

/// An attempt as log lines name it.
struct AttemptLabel {
  Origin origin;
  std::string mechanism;
  std::string user;  ///< as the client spelt it
};

/// The account that a name stands for and whether it may log in, looked up once for each attempt.
struct Candidate {
  std::string name;                          ///< canonical spelling; budget and fake verifier hang on it
  std::optional<store::AccountRow> account;  ///< only when it exists and is enabled
  store::AccountId id() const { return account ? account->id : 0; }
};

class LoginDesk {
 public:
  LoginDesk(DeskParts parts, Settings settings, Keyring keyring);

  enum class Depth : unsigned char { cache_only, hash };
  /// One PLAIN message through Cyrus SASL. Nothing when only a hash can tell and Depth forbids it.
  std::optional<Step> plain(const AttemptLabel& label, const Secret& message, Depth depth);

  /// Ends an attempt: counts it and logs it.
  Step refuse(const AttemptLabel& label, Refusal refusal, std::string reason);
  Step admit(const AttemptLabel& label, const store::AccountRow& account, std::string_view kind);

  Candidate candidate(std::string_view user) const;
  /// Takes over budgets and times of a configuration that was reloaded since the last attempt.
  void follow_reload();
  /// A changed password: what was proven or refused before counts no more.
  void forget(const store::AccountRow& account);

  DeskParts& parts() { return parts_; }
  const Settings& settings() const { return settings_; }
  Vault& vault() { return vault_; }
  Guard& guard() { return guard_; }
  Cache& cache() { return cache_; }

 private:
  static constexpr std::size_t refusals = static_cast<std::size_t>(Refusal::unavailable) + 1;
  DeskParts parts_;
  Settings settings_;
  Vault vault_;
  Guard guard_;
  Cache cache_;
  Counter successes_;
  std::mutex reload_mutex_;
  std::shared_ptr<const config::Config> seen_;  ///< under reload_mutex_
  std::array<Counter, refusals> refusals_;
};

/// One SCRAM exchange. Its first message may read the database: on a thread that may wait.
class ScramLogin {
 public:
  ScramLogin(std::shared_ptr<LoginDesk> desk, Origin origin, std::string mechanism);
  ~ScramLogin();
  Step start(const std::string& message);
  Step step(const std::string& message);

 private:
  class Peer;
  Step conclude(const SaslOutcome& outcome, std::optional<Guard::Permit> permit);
  std::shared_ptr<LoginDesk> desk_;
  AttemptLabel label_;
  std::unique_ptr<Peer> peer_;
  std::unique_ptr<SaslServer> server_;
};

/// "submission", "imap", "pop3"; and the refusal's name as log and metrics show it.
std::string_view to_string(Protocol protocol);
std::string_view to_string(Refusal refusal);

}  // namespace postern::auth
