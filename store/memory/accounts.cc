// SPDX-License-Identifier: Apache-2.0
// Domains, accounts, addresses and credentials of the in-memory store.
#include "store/memory/accounts.h"

#include <algorithm>

#include "store/mailbox_name.h"

namespace postern::store::memory {

namespace {

bool in_domain(std::string_view address, std::string_view domain) { return address.substr(address.rfind('@') + 1) == domain; }

class MemoryAccounts final : public Accounts {
 public:
  explicit MemoryAccounts(std::shared_ptr<State> state) : state_(std::move(state)) {}
  Task<Result<AccountTable>> load() override { co_return load_now(); }
  Task<Result<>> add_domain(DomainRow row) override { co_return add_domain_now(row); }
  Task<Result<>> remove_domain(std::string name) override { co_return remove_domain_now(name); }
  Task<Result<AccountId>> add_account(AccountRow row) override { co_return add_account_now(row); }
  Task<Result<>> set_account(AccountRow row) override { co_return set_account_now(row); }
  Task<Result<>> remove_account(AccountId id) override { co_return remove_account_now(id); }
  Task<Result<>> add_address(AddressRow row) override { co_return add_address_now(row); }
  Task<Result<>> remove_address(AddressRow row) override { co_return remove_address_now(row); }

 private:
  Result<AccountTable> load_now() {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_open(); !open) return std::unexpected(open.error());
    AccountTable table;
    for (const auto& [name, row] : state_->domains) table.domains.push_back(row);
    for (const auto& [id, account] : state_->accounts) table.accounts.push_back(account.row);
    table.addresses = state_->addresses;
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

  Result<> remove_domain_now(const std::string& name) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return open;
    if (!state_->domains.contains(name)) return fail(ErrorKind::not_found, "no such domain");
    const bool used = std::any_of(state_->addresses.begin(), state_->addresses.end(),
                                  [&](const AddressRow& row) { return in_domain(row.address, name); }) ||
                      std::any_of(state_->accounts.begin(), state_->accounts.end(),
                                  [&](const auto& item) { return in_domain(item.second.row.login, name); });
    if (used) return fail(ErrorKind::conflict, "accounts or addresses use the domain");
    state_->domains.erase(name);
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

  std::shared_ptr<State> state_;
};

class MemoryCredentials final : public Credentials {
 public:
  explicit MemoryCredentials(std::shared_ptr<State> state) : state_(std::move(state)) {}
  Task<Result<std::vector<CredentialRow>>> get(AccountId account) override { co_return get_now(account); }
  Result<std::vector<CredentialRow>> get_now(AccountId account) override {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_open(); !open) return std::unexpected(open.error());
    std::vector<CredentialRow> out;
    for (const auto& row : state_->credentials) {
      if (row.account == account) out.push_back(row);
    }
    return out;
  }
  Task<Result<CredentialId>> add(CredentialRow row) override { co_return add_now(std::move(row)); }
  Task<Result<CredentialId>> set_password(CredentialRow row) override { co_return set_password_now(std::move(row)); }
  Task<Result<>> remove(AccountId account, CredentialId id) override { co_return remove_now(account, id); }
  Task<Result<>> remove_all(AccountId account) override { co_return remove_all_now(account); }
  Task<Result<std::vector<std::string>>> history(AccountId account, std::size_t most) override {
    co_return history_now(account, most);
  }
  Task<Result<std::vector<AccountId>>> owners() override { co_return owners_now(); }

 private:
  CredentialId insert(CredentialRow row) {
    row.id = state_->next_credential++;
    state_->credentials.push_back(std::move(row));
    return state_->credentials.back().id;
  }

  Result<CredentialId> add_now(CredentialRow row) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return std::unexpected(open.error());
    return insert(std::move(row));
  }

  Result<CredentialId> set_password_now(CredentialRow row) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return std::unexpected(open.error());
    row.kind = "password";
    std::erase_if(state_->credentials, [&](const CredentialRow& old) {
      if (old.account != row.account || old.kind != "password") return false;
      state_->old_passwords.push_back({old.account, old.sealed});
      return true;
    });
    return insert(std::move(row));
  }

  Result<> remove_now(AccountId account, CredentialId id) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return open;
    const auto goes = [&](const CredentialRow& row) { return row.account == account && row.id == id; };
    if (std::erase_if(state_->credentials, goes) == 0) return fail(ErrorKind::not_found, "no such credential");
    return {};
  }

  Result<> remove_all_now(AccountId account) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return open;
    std::erase_if(state_->credentials, [&](const CredentialRow& row) { return row.account == account; });
    std::erase_if(state_->old_passwords, [&](const OldPassword& old) { return old.account == account; });
    return {};
  }

  Result<std::vector<std::string>> history_now(AccountId account, std::size_t most) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_open(); !open) return std::unexpected(open.error());
    std::vector<std::string> out;
    for (auto it = state_->old_passwords.rbegin(); it != state_->old_passwords.rend() && out.size() < most; ++it) {
      if (it->account == account) out.push_back(it->sealed);
    }
    return out;
  }

  Result<std::vector<AccountId>> owners_now() {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_open(); !open) return std::unexpected(open.error());
    std::set<AccountId> ids;
    for (const auto& row : state_->credentials) ids.insert(row.account);
    return std::vector<AccountId>(ids.begin(), ids.end());
  }

  std::shared_ptr<State> state_;
};

}  // namespace

std::unique_ptr<Accounts> make_accounts(std::shared_ptr<State> state) {
  return std::make_unique<MemoryAccounts>(std::move(state));
}
std::unique_ptr<Credentials> make_credentials(std::shared_ptr<State> state) {
  return std::make_unique<MemoryCredentials>(std::move(state));
}

}  // namespace postern::store::memory
