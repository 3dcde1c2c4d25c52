// SPDX-License-Identifier: Apache-2.0
// auth.db behind store::Credentials: a lane for writes and awaited reads, and a read-only connection of its own for the SASL
// plug-in, which asks synchronously.
#pragma once

#include "store/credentials.h"
#include "store/sqlite/lane.h"

namespace postern::store::sqlite {

class SqliteCredentials final : public Credentials {
 public:
  SqliteCredentials(std::unique_ptr<Database> writing, std::unique_ptr<Database> reading)
      : lane_("store-auth", std::move(writing)), reading_(std::move(reading)) {}
  void close();

  async::Task<Result<std::vector<CredentialRow>>> get(AccountId account) override;
  Result<CredentialSet> get_now(AccountId account) override;
  async::Task<Result<CredentialId>> add(CredentialRow row) override;
  async::Task<Result<CredentialId>> set_password(CredentialRow row) override;
  async::Task<Result<>> replace_sealed(CredentialRow old, std::string sealed) override;
  async::Task<Result<>> remove(AccountId account, CredentialId id) override;
  async::Task<Result<>> remove_all(AccountId account) override;
  async::Task<Result<std::vector<std::string>>> history(AccountId account, std::size_t most) override;
  async::Task<Result<std::vector<AccountId>>> owners() override;
  async::Task<Result<LoginPolicy>> policy(AccountId account) override;
  async::Task<Result<>> set_policy(AccountId account, LoginPolicy policy) override;
  async::Task<Result<std::vector<NewNetwork>>> record_logins(std::vector<LoginRow> rows, LoginRetention keep) override;
  async::Task<Result<std::vector<LoginRow>>> logins(LoginQuery query) override;
  async::Task<Result<std::vector<KnownNetwork>>> known_networks(std::optional<AccountId> account) override;
  async::Task<Result<>> add_known_network(KnownNetwork network) override;
  async::Task<Result<>> flag_weak(WeakRow row) override;
  async::Task<Result<>> clear_weak(CredentialId credential) override;
  async::Task<Result<std::vector<WeakRow>>> weak() override;

 private:
  Lane lane_;
  std::mutex reading_mutex_;
  std::unique_ptr<Database> reading_;
};

}  // namespace postern::store::sqlite
