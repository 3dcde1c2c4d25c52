// SPDX-License-Identifier: Apache-2.0
// Sessions: which live sessions stand on which credential, so that they end when it does. A session holds a ticket; when the
// credential is revoked or expires, the password changes or the account is disabled, the ticket's callback runs on the session's
// executor, and the session says goodbye in its protocol's words. Thread-safe; tickets may outlive the registry.
//
// Invariant: a login that was checked before a change and finishes after it gets a ticket that is over: the check notes
// revision() before it reads the credentials.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "async/event.h"
#include "base/clock.h"
#include "mail/identity.h"
#include "store/credentials.h"

namespace postern::auth {

class SessionTicket {
 public:
  struct Registry;
  SessionTicket(std::shared_ptr<Registry> registry, mail::AccountId account, store::CredentialId credential, UnixTime expires);
  ~SessionTicket();
  SessionTicket(const SessionTicket&) = delete;

  /// `end` runs once, on `executor`, as soon as the session must end. The ticket is destroyed on that executor; the callback does
  /// not run afterwards.
  void on_end(async::Executor executor, std::move_only_function<void()> end);
  /// True when the session must do nothing more. From any thread.
  bool is_over() const { return over_; }

 private:
  friend class Sessions;
  void end();

  std::shared_ptr<Registry> registry_;
  const mail::AccountId account_;
  const store::CredentialId credential_;
  const UnixTime expires_;
  std::atomic<bool> over_ = false;
  async::Event event_;
  async::Event::Subscription subscription_;
};

class Sessions {
 public:
  Sessions();
  ~Sessions();

  /// Counts the changes of this account's credentials.
  std::uint64_t revision(mail::AccountId account) const;
  /// A ticket for a new session; over at once when `revision` is not the account's any more.
  std::shared_ptr<SessionTicket> open(mail::AccountId account, const store::CredentialRow& credential, std::uint64_t revision);
  /// Ends the sessions that stand on this credential; nothing: all of the account. Gives their number.
  std::size_t end(mail::AccountId account, std::optional<store::CredentialId> credential);
  /// Ends the sessions whose credential has expired. Gives their number.
  std::size_t end_expired(UnixTime now);
  /// Accounts that have sessions.
  std::vector<mail::AccountId> accounts() const;
  /// Live sessions, of one account or of all.
  std::size_t count(std::optional<mail::AccountId> account) const;

 private:
  std::shared_ptr<SessionTicket::Registry> registry_;
};

}  // namespace postern::auth
