// SPDX-License-Identifier: Apache-2.0
// A walk follows rows depth first with the path it came by, so that a loop is seen when it closes and the depth is bounded.
#include "auth/index.h"

#include <algorithm>

namespace postern::auth {
namespace {

/// The address without its tag; nothing when it has none or nothing would be left.
std::optional<mail::Address> without_tag(const mail::Address& address) {
  const auto at = address.local().find(Index::recipient_delimiter);
  if (at == std::string::npos || at == 0 || address.domain() == nullptr) return std::nullopt;
  return mail::Address(address.local().substr(0, at), *address.domain());
}

bool is_role(const mail::Address& address) {
  const auto key = address.lookup_key();
  return key.starts_with("postmaster@") || key.starts_with("abuse@");
}

}  // namespace

Index::Index(store::AccountTable table) : table_(std::make_shared<const store::AccountTable>(std::move(table))) {
  for (const auto& row : table_->domains) domains_.insert(row.name);
  for (const auto& row : table_->accounts) {
    by_login_.emplace(row.login, &row);
    by_id_.emplace(row.id, &row);
  }
  for (const auto& row : table_->addresses) addresses_[row.address].push_back(&row);
}

const store::AccountRow* Index::account(const std::string& lookup_key) const {
  const auto at = by_login_.find(lookup_key);
  return at == by_login_.end() ? nullptr : at->second;
}

const store::AccountRow* Index::account(store::AccountId id) const {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : at->second;
}

const Index::Rows* Index::rows(const mail::Address& address, std::string& key) const {
  key = address.lookup_key();
  if (const auto at = addresses_.find(key); at != addresses_.end()) return &at->second;
  const auto plain = without_tag(address);
  if (!plain) return nullptr;
  key = plain->lookup_key();
  const auto at = addresses_.find(key);
  return at == addresses_.end() ? nullptr : &at->second;
}

const store::AccountRow* Index::caretaker(const mail::Address& address) const {
  if (!is_role(without_tag(address).value_or(address))) return nullptr;
  const auto& accounts = table_->accounts;
  const auto first = std::min_element(accounts.begin(), accounts.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return first == accounts.end() ? nullptr : &*first;
}

/// One resolution under way.
class Index::Walk {
 public:
  explicit Walk(const Index& index) : index_(index) {}

  Result<> follow(const mail::Address& address) {
    if (address.domain() == nullptr || !index_.is_local(*address.domain())) return add_elsewhere(address);
    std::string key;
    const auto* rows = index_.rows(address, key);
    if (rows == nullptr) {
      if (const auto* account = index_.caretaker(address)) return add_account(*account);
      return {};
    }
    if (std::find(path_.begin(), path_.end(), key) != path_.end()) return fail(ErrorKind::limit, "alias loop at " + key);
    if (path_.size() >= max_chain) return fail(ErrorKind::limit, "alias chain is too long at " + key);
    if (std::find(done_.begin(), done_.end(), key) != done_.end()) return {};
    path_.push_back(key);
    for (const auto* row : *rows) {
      if (auto followed = follow(*row); !followed) return followed;
    }
    path_.pop_back();
    done_.push_back(std::move(key));
    return {};
  }

  Targets& targets() { return targets_; }
  /// Keys of ours that the walk came by.
  const std::vector<std::string>& visited() const { return done_; }

 private:
  Result<> follow(const store::AddressRow& row) {
    if (row.account != 0) {
      const auto* account = index_.account(row.account);
      if (account == nullptr) return {};
      // An alias of an account means its address, with the copies that its owner has sent elsewhere.
      const auto own = mail::Address::parse(account->login);
      return own && row.address != account->login && index_.has_address(account->login) ? follow(*own) : add_account(*account);
    }
    const auto address = mail::Address::parse(row.forward);
    return address ? follow(*address) : Result<>();
  }
  Result<> add_account(const store::AccountRow& account) {
    auto& all = targets_.accounts;
    if (std::find(all.begin(), all.end(), &account) == all.end()) all.push_back(&account);
    return within_limit();
  }
  Result<> add_elsewhere(const mail::Address& address) {
    auto& all = targets_.elsewhere;
    if (std::find(all.begin(), all.end(), address) == all.end()) all.push_back(address);
    return within_limit();
  }
  Result<> within_limit() const {
    if (targets_.accounts.size() + targets_.elsewhere.size() <= max_targets) return {};
    return fail(ErrorKind::limit, "an address has too many targets");
  }

  const Index& index_;
  Targets targets_;
  std::vector<std::string> path_;
  std::vector<std::string> done_;
};

Result<Targets> Index::resolve(const mail::Address& address) const {
  if (address.domain() == nullptr || !is_local(*address.domain())) return fail(ErrorKind::denied, "not a domain of ours");
  Walk walk(*this);
  if (auto followed = walk.follow(address); !followed) return std::unexpected(followed.error());
  auto& targets = walk.targets();
  if (targets.accounts.empty() && targets.elsewhere.empty()) return fail(ErrorKind::not_found, "no such address");
  return std::move(targets);
}

bool Index::leads_to(const mail::Address& from, const std::string& lookup_key) const {
  Walk walk(*this);
  if (!walk.follow(from)) return true;
  const auto& visited = walk.visited();
  return std::find(visited.begin(), visited.end(), lookup_key) != visited.end();
}

}  // namespace postern::auth
