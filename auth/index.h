// SPDX-License-Identifier: Apache-2.0
// Index: one AccountTable made searchable. Immutable after construction, so readers share it without a lock. The rules of
// resolving (aliases, subaddresses, postmaster) are here; directory.cc loads and changes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "mail/address.h"
#include "store/accounts.h"

namespace postern::auth {

/// Where mail for an address ends: accounts of ours and addresses elsewhere, each once, in order of discovery.
struct Targets {
  std::vector<const store::AccountRow*> accounts;
  std::vector<mail::Address> elsewhere;
};

class Index {
 public:
  /// Longest chain of aliases, and most targets of one address.
  static constexpr std::size_t max_chain = 10;
  static constexpr std::size_t max_targets = 100;
  /// user+tag@domain is delivered to user@domain (RFC 5233 §1 calls the tag "detail").
  static constexpr char recipient_delimiter = '+';

  explicit Index(store::AccountTable table);

  const std::shared_ptr<const store::AccountTable>& table() const { return table_; }
  bool is_local(const mail::Domain& domain) const { return domains_.contains(domain.ascii()); }
  const store::AccountRow* account(const std::string& lookup_key) const;
  const store::AccountRow* account(store::AccountId id) const;
  /// Errors as Directory::resolve.
  Result<Targets> resolve(const mail::Address& address) const;
  /// True when there are rows for exactly this address.
  bool has_address(const std::string& lookup_key) const { return addresses_.contains(lookup_key); }
  /// True when following `from` (an address of ours) comes by the key.
  bool leads_to(const mail::Address& from, const std::string& lookup_key) const;

 private:
  class Walk;
  using Rows = std::vector<const store::AddressRow*>;
  /// The rows for an address: exact, then without the tag, then the fallback for postmaster and abuse. Null: none.
  const Rows* rows(const mail::Address& address, std::string& key) const;
  /// The first account that was made, for role addresses nobody has claimed (RFC 5321 §4.5.1, RFC 2142 §4).
  const store::AccountRow* caretaker(const mail::Address& address) const;

  std::shared_ptr<const store::AccountTable> table_;
  std::unordered_set<std::string> domains_;
  std::unordered_map<std::string, const store::AccountRow*> by_login_;
  std::unordered_map<store::AccountId, const store::AccountRow*> by_id_;
  std::unordered_map<std::string, Rows> addresses_;
};

}  // namespace postern::auth
