// SPDX-License-Identifier: Apache-2.0
// LoginDesk: where an attempt is decided. Plain synchronous code over guard, cache, vault and SASL; whoever calls it says
// whether it may hash (a thread of the pool) or not (any thread). The only caller of IdentityIssuer.
//
// Invariants: unknown, disabled and wrong end in the same Step (D67), and so does a right password that may not be used so; a
// failure of ours is never counted (D68); nothing is hashed for an attempt that the guard refuses; every attempt that ends is
// logged once and, when it showed a name and a password, recorded once, without secrets.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "auth/backroom.h"
#include "auth/cache.h"
#include "auth/credentials.h"
#include "auth/directory.h"
#include "auth/guard.h"
#include "auth/sasl.h"
#include "auth/service.h"
#include "auth/settings.h"
#include "auth/strength.h"
#include "auth/weak_finder.h"
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
  store::GuardBook* guard_book = nullptr;  ///< null: the guard forgets everything when it goes
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
  bool ours = false;                         ///< it has a domain of ours, so that it may be written down
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
  /// The same for one that the guard does not let through.
  Step refuse(const AttemptLabel& label, Stop stop);
  /// `revision` of Sessions from before the credentials were read.
  Step admit(const AttemptLabel& label, const store::AccountRow& account, const store::CredentialRow& credential,
             std::uint64_t revision);
  /// After the main password of a wallet was proven: when it is stored in another form than we would store it now, stores it
  /// anew, later.
  void renew_later(const store::AccountRow& account, const Wallet& wallet, const Secret& password);

  Candidate candidate(std::string_view user) const;
  /// Asks the guard.
  std::expected<Guard::Permit, Stop> ask(const AttemptLabel& label, const Candidate& candidate);
  /// Reads what the guard knew before, with the networks of accounts. Before the first attempt.
  async::Task<> remember();
  /// Gives the ledger what the guard has learnt since. Does not wait for the disk.
  void keep();
  /// Why the access rules of the account and its groups refuse this login now. Nothing: they allow it.
  std::optional<std::string> access_refusal(store::AccountId account, const Origin& origin) const;
  /// Ends the sessions of accounts whose hours are over.
  void end_after_hours();
  /// Takes over budgets and times of a configuration that was reloaded since the last attempt.
  void follow_reload();
  /// Changed credentials: what was proven or refused before counts no more, and the sessions of `credential` end (nothing: all
  /// of the account). Gives their number.
  std::size_t forget(const store::AccountRow& account, std::optional<store::CredentialId> credential);

  DeskParts& parts() { return parts_; }
  const Settings& settings() const { return settings_; }
  Vault& vault() { return vault_; }
  Guard& guard() { return guard_; }
  Cache& cache() { return cache_; }
  Sessions& sessions() { return sessions_; }
  Backroom& backroom() { return backroom_; }
  const Gate& gate() const { return gate_; }
  WeakFinder& weak_finder() { return weak_finder_; }

 private:
  RecordRules record_rules() const;
  void record(const AttemptLabel& label, Refusal refusal, const std::string& reason);
  /// keep(), soon, on the thread that waits for disks.
  void keep_later();
  static constexpr std::size_t refusals = static_cast<std::size_t>(Refusal::unavailable) + 1;
  DeskParts parts_;
  Settings settings_;
  Vault vault_;
  Guard guard_;
  Cache cache_;
  Gate gate_;
  WeakFinder weak_finder_;
  Counter successes_;
  std::mutex reload_mutex_;
  std::shared_ptr<const config::Config> seen_;  ///< under reload_mutex_
  std::array<Counter, refusals> refusals_;
  std::array<Counter, stops> stops_;
  Counter bans_made_;
  Sessions sessions_;
  Backroom backroom_;  // last: its thread uses the rest
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
  /// Success with this one of the peer's credentials.
  Step admit(const store::CredentialRow& credential, std::optional<Guard::Permit>& permit);
  /// Tries the passwords that libsasl2 does not know of. Nothing: none fits.
  std::optional<Step> try_others(const std::string& message);
  /// The right password against the access rules: a refusal that is not counted. Nothing: it is something else.
  std::optional<Step> refuse_by_rules(const std::string& message);
  /// The client's empty answer to our proof after one of them did.
  Step finish_other(const std::string& message, std::optional<Guard::Permit> permit);
  std::shared_ptr<LoginDesk> desk_;
  AttemptLabel label_;
  std::unique_ptr<Peer> peer_;
  std::unique_ptr<SaslServer> server_;
  std::string first_;      ///< client-first-message
  std::string challenge_;  ///< server-first-message
  std::optional<store::CredentialRow> other_;
};

/// The name that budgets and salts hang on, however the client spells it.
std::string name_key(std::string_view user);
/// "submission", "imap", "pop3"; and the refusal's name as log and metrics show it.
std::string_view to_string(Protocol protocol);
std::string_view to_string(Refusal refusal);

}  // namespace postern::auth
