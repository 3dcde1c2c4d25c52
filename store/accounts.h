// SPDX-License-Identifier: Apache-2.0
// Domains, accounts and addresses as mail.db keeps them. auth::Directory is the only user: it loads the whole table at start
// and after each change, so that a RCPT costs no query.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "store/ids.h"

namespace postern::store {

/// Most bytes and messages; 0: no limit.
struct Ceiling {
  std::uint64_t bytes = 0;
  std::uint64_t messages = 0;
  bool operator==(const Ceiling&) const = default;
};

struct DomainRow {
  std::string name;         ///< A-labels
  std::string alias_of{};   ///< another domain of ours: every address here means the same one there; empty: none
  std::string catch_all{};  ///< an address that gets what no other matches; empty: such mail is refused
  Ceiling quota{};          ///< for all accounts of the domain together
  Ceiling account_quota{};  ///< given to new accounts that name none; 0: what the configuration says
  bool operator==(const DomainRow&) const = default;
};

/// What an account, or the members of a group, may use. Defaults restrict nothing. (Whether the main password opens mail
/// protocols is store/credentials.h's LoginPolicy.)
struct AccessRules {
  /// Bits for `protocols`.
  enum Protocol : unsigned { imap = 1, pop3 = 2, submission = 4, every_protocol = 7 };
  unsigned protocols = every_protocol;
  std::vector<std::string> networks{};  ///< "192.0.2.0/24"; empty: from anywhere
  std::string hours{};                  ///< "mon-fri 07:00-19:00" in local time; empty: at any time
  bool operator==(const AccessRules&) const = default;
};

struct AccountRow {
  /// What a disabled account does with mail that comes for it.
  enum class WhenDisabled : std::uint8_t { accept_mail, refuse_mail };
  AccountId id = 0;   ///< given by the store
  std::string login;  ///< canonical address, "alice@example.org"
  std::string name;   ///< display name, may be empty
  bool enabled = true;
  std::uint64_t quota_bytes = 0;     ///< 0: unlimited
  std::uint64_t quota_messages = 0;  ///< 0: unlimited
  WhenDisabled when_disabled = WhenDisabled::refuse_mail;
  AccessRules access{};
  std::map<std::string, std::string> settings{};  ///< the account's own choices by name; no '\n' and no '=' in names
  bool operator==(const AccountRow&) const = default;
};
/// One target of an address: an account of ours, or an address elsewhere (an owner's forward).
struct AddressRow {
  std::string address;  ///< lookup key, "info@example.org"
  AccountId account = 0;
  std::string forward;  ///< used when account is 0
  bool operator==(const AddressRow&) const = default;
};
/// Accounts that share access rules, and get the mail of an address when the group has one.
struct GroupRow {
  /// Who may write to the group's address.
  enum class Senders : std::uint8_t { anyone, inside, members };
  std::string name;
  AccessRules access{};
  std::vector<AccountId> members{};  ///< ascending
  std::string address{};             ///< lookup key, "staff@example.org"; empty: the group gets no mail
  Senders senders = Senders::anyone;
  bool operator==(const GroupRow&) const = default;
};
/// The right of an account to send with an address that is not its own: "info@example.org", or "@example.org" for all of a
/// domain.
struct SendAsRow {
  AccountId account = 0;
  std::string address;
  bool operator==(const SendAsRow&) const = default;
};
/// An account and what belongs to it, for making many at once.
struct NewAccount {
  AccountRow row{};
  std::vector<std::string> aliases{};  ///< lookup keys of further addresses
  std::vector<std::string> groups{};   ///< names of groups that exist
  std::vector<std::string> send_as{};  ///< as SendAsRow::address
};
struct AccountTable {
  std::vector<DomainRow> domains;
  std::vector<AccountRow> accounts;
  std::vector<AddressRow> addresses;
  std::vector<GroupRow> groups;
  std::vector<SendAsRow> send_as;
};

/// How full an account or a domain is, as it was last told its people.
struct QuotaNotice {
  AccountId account = 0;  ///< 0: `domain` is meant
  std::string domain;
  unsigned percent = 0;  ///< the highest warning level that was told; 0: none
  bool operator==(const QuotaNotice&) const = default;
};

/// Errors: exists, not_found, conflict (domain still in use), io.
class Accounts {
 public:
  virtual ~Accounts() = default;
  virtual async::Task<Result<AccountTable>> load() = 0;
  virtual async::Task<Result<>> add_domain(DomainRow row) = 0;
  /// By name.
  virtual async::Task<Result<>> set_domain(DomainRow row) = 0;
  /// conflict while accounts or addresses use it.
  virtual async::Task<Result<>> remove_domain(std::string name) = 0;
  /// Makes the account, its own address and its special-use mailboxes.
  virtual async::Task<Result<AccountId>> add_account(AccountRow row) = 0;
  /// All of them in one transaction, or none. Gives the ids in order. Errors also: not_found (a group).
  virtual async::Task<Result<std::vector<AccountId>>> add_accounts(std::vector<NewAccount> rows) = 0;
  /// By id; login cannot change.
  virtual async::Task<Result<>> set_account(AccountRow row) = 0;
  /// With mailboxes, addresses and messages.
  virtual async::Task<Result<>> remove_account(AccountId id) = 0;
  virtual async::Task<Result<>> add_address(AddressRow row) = 0;
  virtual async::Task<Result<>> remove_address(AddressRow row) = 0;
  /// Makes or replaces the group of that name. not_found when a member does not exist.
  virtual async::Task<Result<>> set_group(GroupRow row) = 0;
  virtual async::Task<Result<>> remove_group(std::string name) = 0;
  virtual async::Task<Result<>> add_send_as(SendAsRow row) = 0;
  virtual async::Task<Result<>> remove_send_as(SendAsRow row) = 0;

  /// Accounts and domains that were told a level above 0.
  virtual async::Task<Result<std::vector<QuotaNotice>>> quota_notices() = 0;
  /// Remembers what was told; percent 0 forgets it.
  virtual async::Task<Result<>> set_quota_notice(QuotaNotice notice) = 0;
};

}  // namespace postern::store
