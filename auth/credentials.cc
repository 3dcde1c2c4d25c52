// SPDX-License-Identifier: Apache-2.0
// Plain walks over rows; the cryptography is in keyring and verifier.
#include "auth/credentials.h"

#include <algorithm>

#include "async/executor.h"

namespace postern::auth {
namespace {

/// As long as a real one, and with no password behind it.
Verifier nobodys_verifier(const Keyring& keyring) {
  constexpr unsigned iterations = 65'536;
  return {"$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
          {keyring.fake_scram("", iterations)}};
}

}  // namespace

Vault::Vault(store::Credentials& store, Keyring keyring)
    : store_(store), keyring_(std::move(keyring)), decoy_(keyring_.seal(0, nobodys_verifier(keyring_).serialise())) {}

Result<Verifier> Vault::open(mail::AccountId account, const std::string& sealed) const {
  auto plain = keyring_.unseal(account, sealed);
  if (!plain) return std::unexpected(plain.error());
  return Verifier::parse(plain->reveal());
}

const Credential* Wallet::password() const {
  const auto at = std::find_if(credentials.begin(), credentials.end(), [](const auto& one) { return !one.is_app(); });
  return at == credentials.end() ? nullptr : &*at;
}

std::optional<ScramChallenge> Wallet::app_challenge() const {
  for (const auto& one : credentials) {
    if (one.is_app() && !one.verifier.scram.empty()) return challenge_of(one.verifier);
  }
  return std::nullopt;
}

Result<Wallet> Vault::wallet_now(mail::AccountId account) const {
  auto set = store_.get_now(account);
  if (!set) return std::unexpected(set.error());
  Wallet out;
  out.policy = set->policy;
  const bool has_none = set->rows.empty();
  if (has_none) {
    store::CredentialRow nobodys;
    nobodys.kind = password_kind;
    nobodys.sealed = decoy_;
    set->rows.push_back(std::move(nobodys));
  }
  for (auto& row : set->rows) {
    auto verifier = open(has_none ? 0 : account, row.sealed);
    if (!verifier) return std::unexpected(verifier.error());
    out.credentials.push_back({std::move(row), std::move(*verifier)});
  }
  if (has_none) out.decoys.swap(out.credentials);
  return out;
}

ScramChallenge Vault::challenge_of_name(std::string_view name, unsigned iterations) const {
  return {keyring_.fake_scram(name, iterations).salt, iterations};
}

ScramChallenge Vault::challenge_for_password(const Wallet& wallet, std::string_view name, unsigned iterations) const {
  return wallet.app_challenge().value_or(challenge_of_name(name, iterations));
}

ScramChallenge Vault::challenge_for_app(const Wallet& wallet, std::string_view name, unsigned iterations) const {
  if (auto others = wallet.app_challenge()) return *others;
  const auto* main = wallet.password();
  if (main != nullptr && !main->verifier.scram.empty()) return challenge_of(main->verifier);
  return challenge_of_name(name, iterations);
}

async::Task<Result<store::CredentialId>> Vault::add(store::CredentialRow row, const Verifier& verifier) {
  row.sealed = keyring_.seal(row.account, verifier.serialise());
  return store_.add(std::move(row));
}

Result<> Vault::replace_now(const store::CredentialRow& row, const Verifier& verifier) {
  return async::run_alone(store_.replace_sealed(row, keyring_.seal(row.account, verifier.serialise())));
}

async::Task<Result<store::CredentialId>> Vault::password_id(mail::AccountId account) {
  auto rows = co_await store_.get(account);
  if (!rows) co_return std::unexpected(rows.error());
  const auto at = std::find_if(rows->begin(), rows->end(), [](const auto& one) { return one.kind == password_kind; });
  co_return at == rows->end() ? 0 : at->id;
}

async::Task<Result<>> Vault::replace_password(mail::AccountId account, Verifier verifier, UnixTime now) {
  store::CredentialRow row;
  row.account = account;
  row.kind = password_kind;
  row.sealed = keyring_.seal(account, verifier.serialise());
  row.created = now;
  auto done = co_await store_.set_password(std::move(row));
  if (!done) co_return std::unexpected(done.error());
  co_return Result<>();
}

async::Task<Result<std::vector<Verifier>>> Vault::history(mail::AccountId account, std::size_t most) {
  auto rows = co_await store_.get(account);
  if (!rows) co_return std::unexpected(rows.error());
  auto former = co_await store_.history(account, most);
  if (!former) co_return std::unexpected(former.error());
  std::vector<std::string> sealed;
  for (auto& row : *rows) {
    if (row.kind == password_kind) sealed.push_back(std::move(row.sealed));
  }
  sealed.insert(sealed.end(), former->begin(), former->end());
  std::vector<Verifier> out;
  for (const auto& one : sealed) {
    if (out.size() == most) break;
    auto verifier = open(account, one);
    if (!verifier) co_return std::unexpected(verifier.error());
    out.push_back(std::move(*verifier));
  }
  co_return out;
}

async::Task<Result<std::vector<mail::AccountId>>> Vault::remove_orphans(std::vector<mail::AccountId> accounts) {
  auto owners = co_await store_.owners();
  if (!owners) co_return std::unexpected(owners.error());
  std::sort(accounts.begin(), accounts.end());
  std::vector<mail::AccountId> gone;
  for (const auto owner : *owners) {
    if (std::binary_search(accounts.begin(), accounts.end(), owner)) continue;
    if (auto removed = co_await store_.remove_all(owner); !removed) co_return std::unexpected(removed.error());
    gone.push_back(owner);
  }
  co_return gone;
}

async::Task<Result<Keyring>> open_keyring(std::filesystem::path path, store::Credentials& store) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) co_return Keyring::open(path);
  const auto owners = co_await store.owners();
  if (!owners) co_return std::unexpected(owners.error());
  if (!owners->empty()) {
    co_return fail(ErrorKind::not_found, path.string() +
                                             " is missing, and stored passwords cannot be opened without it; "
                                             "restore it from the backup");
  }
  co_return Keyring::create(path);
}

}  // namespace postern::auth
