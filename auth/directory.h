// SPDX-License-Identifier: Apache-2.0
// Directory: who is who here. Resolves addresses to what we do with them, from an immutable table in memory that is
// replaced after every change; lookups are synchronous and lock-free for the caller.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/log.h"
#include "base/result.h"
#include "mail/address.h"
#include "store/accounts.h"
#include "store/store.h"

namespace postern::auth {

/// A mailbox of ours.
struct LocalMailbox {
  store::AccountId account = 0;
  std::string login;
};

/// An owner's forward to an address elsewhere: one of the three ways mail may leave without a RelayRight.
class Forward {
 public:
  const mail::Address& to() const { return to_; }

 private:
  friend class Directory;
  explicit Forward(mail::Address to) : to_(std::move(to)) {}
  mail::Address to_;
};

/// What an address of ours stands for, aliases followed, each target once.
struct Resolution {
  std::vector<LocalMailbox> mailboxes;
  std::vector<Forward> forwards;
};

class Directory {
 public:
  Directory(store::Accounts& accounts, Log& log);
  ~Directory();

  /// Reads the table; call before anything else and after changes made elsewhere.
  async::Task<Result<>> load();

  bool is_local(const mail::Domain& domain) const;
  /// Errors: denied (not our domain), not_found (ours, but no such address), limit (alias loop or too many targets).
  /// postmaster and abuse of every domain of ours always resolve: to their own address when there is one, otherwise to
  /// the first account that was made (RFC 5321 §4.5.1, RFC 2142). "postmaster" without domain is "postmaster@" our first domain.
  Result<Resolution> resolve(const mail::Address& address) const;
  /// By login name in any spelling: "Alice@Example.ORG".
  std::optional<store::AccountRow> account(std::string_view login) const;
  std::optional<store::AccountRow> account(store::AccountId id) const;
  /// True for the account's login and every alias that has it as a target.
  bool may_send_as(store::AccountId account, const mail::Address& address) const;
  std::shared_ptr<const store::AccountTable> table() const;

  /// Changes, durable and visible when they return. Names and addresses are checked and canonicalised here; errors are
  /// texts for the admin with the remedy.
  async::Task<Result<>> add_domain(std::string name);
  /// By name; the row is what shall be true. Error not_found.
  async::Task<Result<>> set_domain(store::DomainRow row);
  async::Task<Result<>> remove_domain(std::string name);
  async::Task<Result<store::AccountId>> add_account(std::string login, store::AccountRow settings);
  async::Task<Result<>> set_account(store::AccountRow row);
  async::Task<Result<>> remove_account(std::string login);
  async::Task<Result<>> add_alias(std::string alias, std::string target);
  async::Task<Result<>> remove_alias(std::string alias, std::string target);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace postern::auth
