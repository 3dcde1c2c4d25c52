// SPDX-License-Identifier: Apache-2.0
// Domains, accounts and addresses as mail.db keeps them. auth::Directory is the only user: it loads the whole table at start
// and after each change, so that a RCPT costs no query.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "store/ids.h"

namespace postern::store {

struct DomainRow {
  std::string name;  ///< A-labels
  bool operator==(const DomainRow&) const = default;
};
struct AccountRow {
  AccountId id = 0;   ///< given by the store
  std::string login;  ///< canonical address, "alice@example.org"
  std::string name;   ///< display name, may be empty
  bool enabled = true;
  std::uint64_t quota_bytes = 0;     ///< 0: unlimited
  std::uint64_t quota_messages = 0;  ///< 0: unlimited
  bool operator==(const AccountRow&) const = default;
};
/// One target of an address: an account of ours, or an address elsewhere (an owner's forward).
struct AddressRow {
  std::string address;  ///< lookup key, "info@example.org"
  AccountId account = 0;
  std::string forward;  ///< used when account is 0
  bool operator==(const AddressRow&) const = default;
};
struct AccountTable {
  std::vector<DomainRow> domains;
  std::vector<AccountRow> accounts;
  std::vector<AddressRow> addresses;
};

/// Errors: exists, not_found, conflict (domain still in use), io.
class Accounts {
 public:
  virtual ~Accounts() = default;
  virtual async::Task<Result<AccountTable>> load() = 0;
  virtual async::Task<Result<>> add_domain(DomainRow row) = 0;
  /// conflict while accounts or addresses use it.
  virtual async::Task<Result<>> remove_domain(std::string name) = 0;
  /// Makes the account, its own address and its special-use mailboxes.
  virtual async::Task<Result<AccountId>> add_account(AccountRow row) = 0;
  /// By id; login cannot change.
  virtual async::Task<Result<>> set_account(AccountRow row) = 0;
  /// With mailboxes, addresses and messages.
  virtual async::Task<Result<>> remove_account(AccountId id) = 0;
  virtual async::Task<Result<>> add_address(AddressRow row) = 0;
  virtual async::Task<Result<>> remove_address(AddressRow row) = 0;
};

}  // namespace postern::store
