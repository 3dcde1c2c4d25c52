// SPDX-License-Identifier: Apache-2.0
// Directory: who is who here. Resolves addresses to what we do with them, from an immutable table in memory that is
// replaced after every change; lookups are synchronous and lock-free for the caller.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "auth/access.h"
#include "auth/index.h"
#include "base/log.h"
#include "base/result.h"
#include "config/live.h"
#include "mail/address.h"
#include "store/accounts.h"
#include "store/store.h"

namespace postern::auth {

/// A mailbox of ours.
struct LocalMailbox {
  store::AccountId account = 0;
  std::string login;
  std::string detail{};    ///< "shop" of alice+shop@, for filing; empty: none
  bool takes_mail = true;  ///< false: the account is disabled and its mail is refused
};

/// An owner's forward to an address elsewhere: one of the ways mail may leave without a RelayRight.
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

/// What would happen to mail for an address, step by step.
struct Explanation {
  std::vector<TraceStep> steps;
  Result<Resolution> end;
};

/// Why a new account is refused, and which part of it is meant: "login", "aliases", "groups", "send_as" or "settings".
struct RowObjection {
  std::string column;
  std::string text;
};

class Directory {
 public:
  /// With `live`, server.address_separators follows a reload; without it '+' ends a local part.
  Directory(store::Accounts& accounts, Log& log, const config::Live* live = nullptr);
  ~Directory();

  /// Reads the table; call before anything else and after changes made elsewhere.
  async::Task<Result<>> load();

  bool is_local(const mail::Domain& domain) const;
  /// Errors: denied (not our domain), not_found (ours, but no such address), limit (alias loop or too many targets), unsupported
  /// (a group that this writer may not write to; the text is for the writer).
  /// postmaster, abuse, security, webmaster and hostmaster of every domain of ours always resolve: to their own address when
  /// there is one, otherwise to the admins (Index::admins; RFC 5321 §4.5.1, RFC 2142). "postmaster" without domain is
  /// "postmaster@" our first domain.
  Result<Resolution> resolve(const mail::Address& address, const Writer& writer = Writer::house()) const;
  Explanation explain(const mail::Address& address, const Writer& writer) const;
  /// By login name in any spelling: "Alice@Example.ORG".
  std::optional<store::AccountRow> account(std::string_view login) const;
  std::optional<store::AccountRow> account(store::AccountId id) const;
  /// True for the account's login and every alias that has it as a target, with any detail and in alias domains; for role
  /// addresses that come to it as admin; and for what it has been given the right to (store::SendAsRow). A group's address and
  /// what only a catch-all brings are nobody's own.
  bool may_send_as(store::AccountId account, const mail::Address& address) const;
  /// Why may_send_as() is true, for people; nothing when it is not.
  std::optional<std::string> right_to_send(store::AccountId account, const mail::Address& address) const;
  /// The rules that bind the account's logins.
  std::vector<BoundRules> access_rules(store::AccountId account) const;
  /// Names of the account's groups.
  std::vector<std::string> groups_of(store::AccountId account) const;
  std::shared_ptr<const store::AccountTable> table() const;

  /// Changes, durable and visible when they return. Names and addresses are checked and canonicalised here; errors are
  /// texts for the admin with the remedy.
  async::Task<Result<>> add_domain(std::string name);
  /// By name; the row is what shall be true. Errors: not_found, invalid, conflict (an alias domain with addresses of its own).
  async::Task<Result<>> set_domain(store::DomainRow row);
  async::Task<Result<>> remove_domain(std::string name);
  async::Task<Result<store::AccountId>> add_account(std::string login, store::AccountRow settings);
  /// All or none. The rows hold what the admin wrote; error text begins with "N: " for row N, counted from 1.
  async::Task<Result<std::vector<store::AccountId>>> add_accounts(std::vector<store::NewAccount> rows);
  /// What add_accounts() would say against each row, in order. Rows are brought into canonical form.
  std::vector<std::optional<RowObjection>> objections(std::vector<store::NewAccount>& rows) const;
  async::Task<Result<>> set_account(store::AccountRow row);
  async::Task<Result<>> remove_account(std::string login);
  async::Task<Result<>> add_alias(std::string alias, std::string target);
  async::Task<Result<>> remove_alias(std::string alias, std::string target);
  /// Makes the group, or with `replace` changes it. Errors: invalid, exists (the name or the address), not_found.
  enum class Existing : unsigned char { refuse, replace };
  async::Task<Result<>> set_group(store::GroupRow row, Existing existing);
  async::Task<Result<>> remove_group(std::string name);
  /// "info@example.org", or "@example.org" for every address of a domain. Gives the canonical form. Errors: invalid, exists,
  /// not_found.
  async::Task<Result<std::string>> add_send_as(store::AccountId account, std::string address);
  async::Task<Result<std::string>> remove_send_as(store::AccountId account, std::string address);

 private:
  struct State;
  Result<Resolution> answer(const mail::Address& address, const Question& question) const;
  std::unique_ptr<State> state_;
};

}  // namespace postern::auth
