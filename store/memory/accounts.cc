// SPDX-License-Identifier: Apache-2.0
// Domains, accounts and addresses of the in-memory store.
#include "store/memory/accounts.h"

#include <algorithm>

#include "store/mailbox_name.h"
#include "store/memory/sharing.h"

namespace postern::store::memory {

namespace {

bool in_domain(std::string_view address, std::string_view domain) { return address.substr(address.rfind('@') + 1) == domain; }

class MemoryAccounts final : public Accounts {
 public:
  explicit MemoryAccounts(std::shared_ptr<State> state) : state_(std::move(state)) {}
  Task<Result<AccountTable>> load() override { co_return load_now(); }
  Task<Result<>> add_domain(DomainRow row) override { co_return add_domain_now(row); }
  Task<Result<>> set_domain(DomainRow row) override { co_return set_domain_now(row); }
  Task<Result<>> remove_domain(std::string name) override { co_return remove_domain_now(name); }
  Task<Result<AccountId>> add_account(AccountRow row) override { co_return add_account_now(row); }
  Task<Result<std::vector<AccountId>>> add_accounts(std::vector<NewAccount> rows) override { co_return add_all_now(rows); }
  Task<Result<>> set_account(AccountRow row) override { co_return set_account_now(row); }
  Task<Result<>> remove_account(AccountId id) override { co_return remove_account_now(id); }
  Task<Result<>> add_address(AddressRow row) override { co_return add_address_now(row); }
  Task<Result<>> remove_address(AddressRow row) override { co_return remove_address_now(row); }
  Task<Result<>> set_group(GroupRow row) override { co_return set_group_now(std::move(row)); }
  Task<Result<>> remove_group(std::string name) override { co_return remove_group_now(name); }
  Task<Result<>> add_send_as(SendAsRow row) override { co_return add_send_as_now(row); }
  Task<Result<>> remove_send_as(SendAsRow row) override { co_return remove_send_as_now(row); }
  Task<Result<std::vector<QuotaNotice>>> quota_notices() override { co_return quota_notices_now(); }
  Task<Result<>> set_quota_notice(QuotaNotice notice) override { co_return set_quota_notice_now(std::move(notice)); }

 private:
  Result<AccountTable> load_now() {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_open(); !open) return std::unexpected(open.error());
    AccountTable table;
    for (const auto& [name, row] : state_->domains) table.domains.push_back(row);
    for (const auto& [id, account] : state_->accounts) table.accounts.push_back(account.row);
    table.addresses = state_->addresses;
    for (const auto& [name, row] : state_->groups) table.groups.push_back(row);
    table.send_as = state_->send_as;
    const auto right = [](const SendAsRow& row) { return std::tie(row.account, row.address); };
    std::sort(table.send_as.begin(), table.send_as.end(), [&](const auto& a, const auto& b) { return right(a) < right(b); });
    const auto key = [](const AddressRow& row) { return std::tie(row.address, row.account, row.forward); };
    std::sort(table.addresses.begin(), table.addresses.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
    return table;
  }

  Result<> add_domain_now(const DomainRow& row) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return open;
    if (!state_->domains.emplace(row.name, row).second) return fail(ErrorKind::exists, "the domain exists");
    return {};
  }

  Result<> set_domain_now(const DomainRow& row) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return open;
    const auto it = state_->domains.find(row.name);
    if (it == state_->domains.end()) return fail(ErrorKind::not_found, "no such domain");
    it->second = row;
    return {};
  }

  Result<> remove_domain_now(const std::string& name) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return open;
    if (!state_->domains.contains(name)) return fail(ErrorKind::not_found, "no such domain");
    const bool used = std::any_of(state_->addresses.begin(), state_->addresses.end(),
                                  [&](const AddressRow& row) { return in_domain(row.address, name); }) ||
                      std::any_of(state_->accounts.begin(), state_->accounts.end(),
                                  [&](const auto& item) { return in_domain(item.second.row.login, name); }) ||
                      std::any_of(state_->groups.begin(), state_->groups.end(),
                                  [&](const auto& item) { return in_domain(item.second.address, name); });
    if (used) return fail(ErrorKind::conflict, "accounts or addresses use the domain");
    const bool aliased = std::any_of(state_->domains.begin(), state_->domains.end(),
                                     [&](const auto& item) { return item.second.alias_of == name; });
    if (aliased) return fail(ErrorKind::conflict, "another domain is an alias of it");
    state_->domains.erase(name);
    std::erase_if(state_->quota_notices, [&](const QuotaNotice& one) { return one.account == 0 && one.domain == name; });
    return {};
  }

  Result<AccountId> add_account_now(AccountRow row) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return std::unexpected(open.error());
    for (const auto& [id, account] : state_->accounts) {
      if (account.row.login == row.login) return fail(ErrorKind::exists, "the account exists");
    }
    row.id = state_->next_account++;
    state_->accounts.emplace(row.id, Account{row, 0, 0, {}});
    state_->addresses.push_back(AddressRow{row.login, row.id, {}});
    for (const auto& folder : standard_folders()) {
      state_->make_mailbox(row.id, std::string(folder.name), folder.use);
      state_->accounts.at(row.id).subscriptions.insert(std::string(folder.name));
    }
    return row.id;
  }

  /// What was made before one fails is taken back.
  Result<std::vector<AccountId>> add_all_now(const std::vector<NewAccount>& rows) {
    std::vector<AccountId> ids;
    for (const auto& one : rows) {
      const auto id = add_account_now(one.row);
      Result<> done = id ? Result<>() : std::unexpected(id.error());
      if (id) {
        ids.push_back(*id);
        done = add_belongings(*id, one);
      }
      if (done) continue;
      for (const auto made : ids) (void)remove_account_now(made);
      return std::unexpected(done.error());
    }
    return ids;
  }

  Result<> add_belongings(AccountId id, const NewAccount& account) {
    for (const auto& alias : account.aliases) {
      if (auto added = add_address_now({alias, id, {}}); !added) return added;
    }
    for (const auto& address : account.send_as) {
      if (auto added = add_send_as_now({id, address}); !added) return added;
    }
    for (const auto& name : account.groups) {
      GroupRow group;
      {
        const std::lock_guard lock(state_->mutex);
        const auto at = state_->groups.find(name);
        if (at == state_->groups.end()) return fail(ErrorKind::not_found, "no such group: " + name);
        group = at->second;
      }
      group.members.push_back(id);
      if (auto set = set_group_now(std::move(group)); !set) return set;
    }
    return {};
  }

  Result<> set_account_now(AccountRow row) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return open;
    const auto account = state_->account(row.id);
    if (!account) return std::unexpected(account.error());
    row.login = (*account)->row.login;
    (*account)->row = std::move(row);
    return {};
  }

  Result<> remove_account_now(AccountId id) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return open;
    if (auto account = state_->account(id); !account) return std::unexpected(account.error());
    for (Mailbox* mailbox : state_->mailboxes_of(id)) state_->drop_mailbox(*mailbox);
    std::erase_if(state_->addresses, [id](const AddressRow& row) { return row.account == id; });
    for (auto& [name, group] : state_->groups) std::erase(group.members, id);
    std::erase_if(state_->send_as, [id](const SendAsRow& row) { return row.account == id; });
    std::erase_if(state_->quota_notices, [id](const QuotaNotice& one) { return one.account == id; });
    state_->accounts.erase(id);
    return {};
  }

  Result<> add_address_now(const AddressRow& row) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return open;
    if (row.account != 0) {
      if (auto account = state_->account(row.account); !account) return std::unexpected(account.error());
    }
    if (std::find(state_->addresses.begin(), state_->addresses.end(), row) != state_->addresses.end()) {
      return fail(ErrorKind::exists, "the address has this target already");
    }
    state_->addresses.push_back(row);
    return {};
  }

  Result<> remove_address_now(const AddressRow& row) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return open;
    if (std::erase(state_->addresses, row) == 0) return fail(ErrorKind::not_found, "no such address");
    return {};
  }

  Result<> set_group_now(GroupRow row) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return open;
    for (const AccountId member : row.members) {
      if (auto account = state_->account(member); !account) return std::unexpected(account.error());
    }
    std::sort(row.members.begin(), row.members.end());
    row.members.erase(std::unique(row.members.begin(), row.members.end()), row.members.end());
    state_->groups[row.name] = std::move(row);
    refresh_guests(*state_, 0);
    state_->feeds.publish(std::vector{AccountId{0}});
    return {};
  }

  Result<> remove_group_now(const std::string& name) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return open;
    if (state_->groups.erase(name) == 0) return fail(ErrorKind::not_found, "no such group");
    for (auto& [id, mailbox] : state_->mailboxes) {
      std::erase_if(mailbox.acl, [&](const AclRow& row) { return row.account == 0 && row.group == name; });
    }
    refresh_guests(*state_, 0);
    state_->feeds.publish(std::vector{AccountId{0}});
    return {};
  }

  Result<> add_send_as_now(const SendAsRow& row) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return open;
    if (auto account = state_->account(row.account); !account) return std::unexpected(account.error());
    if (std::find(state_->send_as.begin(), state_->send_as.end(), row) != state_->send_as.end()) {
      return fail(ErrorKind::exists, "the account has this right already");
    }
    state_->send_as.push_back(row);
    return {};
  }

  Result<> remove_send_as_now(const SendAsRow& row) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return open;
    if (std::erase(state_->send_as, row) == 0) return fail(ErrorKind::not_found, "the account has no such right");
    return {};
  }

  Result<std::vector<QuotaNotice>> quota_notices_now() {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_open(); !open) return std::unexpected(open.error());
    return state_->quota_notices;
  }

  Result<> set_quota_notice_now(QuotaNotice notice) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return open;
    std::erase_if(state_->quota_notices,
                  [&](const QuotaNotice& one) { return one.account == notice.account && one.domain == notice.domain; });
    if (notice.percent != 0) state_->quota_notices.push_back(std::move(notice));
    return {};
  }

  std::shared_ptr<State> state_;
};

}  // namespace

std::unique_ptr<Accounts> make_accounts(std::shared_ptr<State> state) {
  return std::make_unique<MemoryAccounts>(std::move(state));
}

}  // namespace postern::store::memory
