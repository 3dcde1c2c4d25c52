// SPDX-License-Identifier: Apache-2.0
// Credentials, logins and known networks of the in-memory store.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "store/memory/accounts.h"

namespace postern::store::memory {

namespace {

constexpr UnixTime day = 86'400;
constexpr std::string_view success = "success";

class MemoryCredentials final : public Credentials {
 public:
  explicit MemoryCredentials(std::shared_ptr<State> state) : state_(std::move(state)) {}
  Task<Result<std::vector<CredentialRow>>> get(AccountId account) override {
    auto all = get_now(account);
    if (!all) co_return std::unexpected(all.error());
    co_return std::move(all->rows);
  }
  Result<CredentialSet> get_now(AccountId account) override {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_open(); !open) return std::unexpected(open.error());
    CredentialSet out;
    for (const auto& row : state_->credentials) {
      if (row.account == account) out.rows.push_back(row);
    }
    out.policy = policy_of(account);
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
  Task<Result<>> replace_sealed(CredentialRow old, std::string sealed) override {
    co_return replace_sealed_now(old, std::move(sealed));
  }
  Task<Result<LoginPolicy>> policy(AccountId account) override {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_open(); !open) co_return std::unexpected(open.error());
    co_return policy_of(account);
  }
  Task<Result<>> set_policy(AccountId account, LoginPolicy policy) override {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) co_return open;
    policies_[account] = policy;
    co_return Result<>();
  }
  Task<Result<std::vector<NewNetwork>>> record_logins(std::vector<LoginRow> rows, LoginRetention keep) override {
    co_return record_now(std::move(rows), keep);
  }
  Task<Result<std::vector<LoginRow>>> logins(LoginQuery query) override { co_return logins_now(query); }
  Task<Result<std::vector<KnownNetwork>>> known_networks(std::optional<AccountId> account) override {
    co_return known_networks_now(account);
  }
  Task<Result<>> add_known_network(KnownNetwork network) override {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) co_return open;
    learn(network);
    co_return Result<>();
  }
  Task<Result<>> flag_weak(WeakRow row) override { co_return flag_weak_now(std::move(row)); }
  Task<Result<>> clear_weak(CredentialId credential) override {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) co_return open;
    std::erase_if(weak_, [&](const auto& one) { return one.second.credential == credential; });
    co_return Result<>();
  }
  Task<Result<std::vector<WeakRow>>> weak() override {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_open(); !open) co_return std::unexpected(open.error());
    std::vector<WeakRow> out;
    for (const auto& [account, row] : weak_) {
      if (exists(account, row.credential)) out.push_back(row);  // a flag goes with its credential
    }
    co_return out;
  }

 private:
  LoginPolicy policy_of(AccountId account) const {
    const auto at = policies_.find(account);
    return at == policies_.end() ? LoginPolicy{} : at->second;
  }

  bool exists(AccountId account, CredentialId id) const {
    return std::any_of(state_->credentials.begin(), state_->credentials.end(),
                       [&](const CredentialRow& row) { return row.account == account && row.id == id; });
  }

  Result<> flag_weak_now(WeakRow row) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return open;
    if (!exists(row.account, row.credential)) return {};
    const auto [at, added] = weak_.try_emplace(row.account, row);
    if (!added && at->second.credential == row.credential) row.since = at->second.since;
    at->second = std::move(row);
    return {};
  }

  Result<> replace_sealed_now(const CredentialRow& old, std::string sealed) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return open;
    for (auto& row : state_->credentials) {
      if (row.id != old.id || row.account != old.account || row.sealed != old.sealed) continue;
      row.sealed = std::move(sealed);
      return {};
    }
    return fail(ErrorKind::conflict, "the credential was changed meanwhile");
  }

  /// True when it was not known.
  bool learn(const KnownNetwork& network) {
    const auto [at, added] = networks_.try_emplace({network.account, network.network}, network);
    if (!added) at->second.last = std::max(at->second.last, network.last);
    return added;
  }

  std::vector<KnownNetwork> networks_of(std::optional<AccountId> account) const {
    std::vector<KnownNetwork> out;
    for (const auto& [key, network] : networks_) {
      if (!account || network.account == *account) out.push_back(network);
    }
    std::sort(out.begin(), out.end(), [](const KnownNetwork& a, const KnownNetwork& b) {
      return std::tuple(a.account, -a.last, a.network) < std::tuple(b.account, -b.last, b.network);
    });
    return out;
  }

  Result<std::vector<KnownNetwork>> known_networks_now(std::optional<AccountId> account) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_open(); !open) return std::unexpected(open.error());
    return networks_of(account);
  }

  Result<std::vector<NewNetwork>> record_now(std::vector<LoginRow> rows, const LoginRetention& keep) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_write(); !open) return std::unexpected(open.error());
    std::vector<NewNetwork> out;
    std::set<std::pair<AccountId, bool>> touched;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto& row = rows[i];
      use(row);
      if (auto found = find_new(row, keep)) {
        found->row = i;
        out.push_back(*found);
      }
      row.network.clear();
      touched.emplace(row.account, row.outcome == success);
      logins_.push_back(std::move(row));
    }
    for (const auto& [account, good] : touched) forget(account, good, keep.rows);
    std::erase_if(logins_, [&](const LoginRow& row) { return row.at < keep.oldest; });
    return out;
  }

  void use(const LoginRow& row) {
    if (row.outcome != success) return;
    for (auto& one : state_->credentials) {
      if (one.id == row.credential && one.account == row.account && one.last.at <= row.at) {
        one.last = {row.at, row.ip, row.protocol};
      }
    }
  }

  std::optional<NewNetwork> find_new(const LoginRow& row, const LoginRetention& keep) {
    if (row.account == 0 || row.network.empty()) return std::nullopt;
    NewNetwork out;
    out.first_of_all = networks_of(row.account).empty();
    if (!learn({row.account, row.network, row.at, row.at})) return std::nullopt;
    auto all = networks_of(row.account);
    out.in_a_day = static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [&](const KnownNetwork& one) { return one.first > row.at - day; }));
    for (std::size_t i = keep.networks; i < all.size(); ++i) networks_.erase({row.account, all[i].network});
    return out;
  }

  /// Rows of one series (an account's successes, or failures) beyond the bound, oldest first.
  void forget(AccountId account, bool good, std::size_t most) {
    const auto same = [account, good](const LoginRow& row) { return row.account == account && (row.outcome == success) == good; };
    auto excess = static_cast<std::size_t>(std::count_if(logins_.begin(), logins_.end(), same));
    std::erase_if(logins_, [&](const LoginRow& row) {
      if (excess <= most || !same(row)) return false;
      --excess;
      return true;
    });
  }

  Result<std::vector<LoginRow>> logins_now(const LoginQuery& query) {
    const std::lock_guard lock(state_->mutex);
    if (auto open = state_->check_open(); !open) return std::unexpected(open.error());
    std::vector<LoginRow> out;
    for (auto at = logins_.rbegin(); at != logins_.rend() && out.size() < query.most; ++at) {
      if (query.account && at->account != *query.account) continue;
      if ((query.failed_only && at->outcome == success) || at->at < query.since) continue;
      out.push_back(*at);
    }
    return out;
  }

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
    policies_.erase(account);
    std::erase_if(networks_, [&](const auto& one) { return one.first.first == account; });
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
    for (const auto& [id, policy] : policies_) ids.insert(id);
    for (const auto& [key, network] : networks_) ids.insert(key.first);
    return std::vector<AccountId>(ids.begin(), ids.end());
  }

  std::shared_ptr<State> state_;
  // Under the state's mutex, as everything.
  std::map<AccountId, LoginPolicy> policies_;
  std::map<std::pair<AccountId, std::string>, KnownNetwork> networks_;
  std::vector<LoginRow> logins_;  ///< oldest first
  std::map<AccountId, WeakRow> weak_;
};

}  // namespace

std::unique_ptr<Credentials> make_credentials(std::shared_ptr<State> state) {
  return std::make_unique<MemoryCredentials>(std::move(state));
}

}  // namespace postern::store::memory
