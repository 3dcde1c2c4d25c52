// SPDX-License-Identifier: Apache-2.0
// Index: one AccountTable made searchable. Immutable after construction, so readers share it without a lock. The rules of
// resolving (alias domains, aliases, details, groups, role addresses, catch-all) are here; directory.cc loads and changes.
//
// Order for an address of ours: an alias domain is replaced by its domain; then the exact address; then without its detail, the
// longest rest first; then a role address nobody has claimed; then the domain's catch-all.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "auth/access.h"
#include "base/result.h"
#include "config/route_domain.h"
#include "mail/address.h"
#include "store/accounts.h"

namespace postern::auth {

/// Who writes, as far as groups ask for it.
struct Writer {
  enum class Kind : unsigned char { outsider, inside, house };
  Kind kind = Kind::outsider;
  store::AccountId account = 0;  ///< of who is inside; 0: a machine of a trusted network
  /// Notices of our own, and the admin's questions.
  static Writer house() { return {Kind::house, 0}; }
  static Writer logged_in(store::AccountId account) { return {Kind::inside, account}; }
};

/// An account that mail comes to, and the detail that led there ("shop" of alice+shop@).
struct Target {
  const store::AccountRow* account = nullptr;
  std::string detail;
};

/// Where mail for an address ends: accounts of ours and addresses elsewhere, each once, in order of discovery.
struct Targets {
  std::vector<Target> accounts;
  std::vector<mail::Address> elsewhere;
};

/// One step of a resolution, for people.
struct TraceStep {
  std::size_t depth = 0;
  std::string address;
  std::string text;
};

/// How to resolve.
struct Question {
  Writer writer = Writer::house();
  std::string separators = "+";  ///< each ends a local part and begins a detail; empty: none does
  bool catch_all = true;
  bool groups = true;
  bool forwards = true;                         ///< those of accounts
  std::vector<config::RouteDomain> forbid_for;  ///< domains of ours whose mail is not sent elsewhere
  std::vector<TraceStep>* trace = nullptr;
};

class Index {
 public:
  /// Longest chain of aliases, and most targets of one address.
  static constexpr std::size_t max_chain = 10;
  static constexpr std::size_t max_targets = 1000;

  explicit Index(store::AccountTable table);

  const std::shared_ptr<const store::AccountTable>& table() const { return table_; }
  bool is_local(const mail::Domain& domain) const { return domains_.contains(domain.ascii()); }
  const store::DomainRow* domain(const mail::Domain& domain) const;
  const store::AccountRow* account(const std::string& lookup_key) const;
  const store::AccountRow* account(store::AccountId id) const;
  const store::GroupRow* group(std::string_view name) const;
  /// The address with alias domains replaced. Nothing when they lead in a circle. What is not ours stays as it is.
  std::optional<mail::Address> canonical(const mail::Address& address) const;
  /// Errors as Directory::resolve.
  Result<Targets> resolve(const mail::Address& address, const Question& question = {}) const;
  /// True when there are rows or a group for exactly this address.
  bool has_address(const std::string& lookup_key) const {
    return addresses_.contains(lookup_key) || by_group_address_.contains(lookup_key);
  }
  /// True when following `from` (an address of ours) comes by the key.
  bool leads_to(const mail::Address& from, const std::string& lookup_key, const Question& question) const;
  /// Why the account may send as this address: "its own address", "the right to send as @example.org". Nothing: it may not.
  std::optional<std::string> right_to_send(store::AccountId account, const mail::Address& address,
                                           const Question& question = {}) const;
  /// The account's own rules and those of its groups.
  std::vector<BoundRules> access_rules(store::AccountId account) const;
  /// Names of its groups.
  std::vector<std::string> groups_of(store::AccountId account) const;

 private:
  class Walk;
  using Rows = std::vector<const store::AddressRow*>;
  /// What there is for an address.
  struct Place {
    enum class Kind : unsigned char { none, rows, group, role, catch_all };
    Kind kind = Kind::none;
    std::string key;     ///< under which it was found
    std::string detail;  ///< what was cut off
    const Rows* rows = nullptr;
    const store::GroupRow* group = nullptr;
  };
  Place find(const mail::Address& address, const Question& question) const;
  bool find_exactly(Place& place, const mail::Address& address) const;
  /// Whoever looks after role addresses nobody has claimed (RFC 5321 §4.5.1, RFC 2142): the accounts with the setting `admin`,
  /// otherwise the first account that was made and is not disabled.
  std::vector<const store::AccountRow*> admins() const;

  std::shared_ptr<const store::AccountTable> table_;
  std::unordered_map<std::string, const store::DomainRow*> domains_;
  std::unordered_map<std::string, mail::Domain> alias_of_;
  std::unordered_map<std::string, const store::AccountRow*> by_login_;
  std::unordered_map<store::AccountId, const store::AccountRow*> by_id_;
  std::unordered_map<std::string, Rows> addresses_;
  std::unordered_map<std::string, const store::GroupRow*> by_group_address_;
  std::unordered_map<store::AccountId, std::vector<const store::GroupRow*>> groups_of_;
  std::unordered_map<store::AccountId, std::unordered_set<std::string>> grants_;
};

/// The addresses that an address means: itself, then without its detail, the longest rest first. Each with the detail.
std::vector<std::pair<mail::Address, std::string>> bases_of(const mail::Address& address, std::string_view separators);
/// postmaster, abuse, security, webmaster, hostmaster.
bool is_role(const mail::Address& address);

}  // namespace postern::auth
