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
  Result<std::vector<CredentialRow>> get_now(AccountId account) override;
  async::Task<Result<CredentialId>> add(CredentialRow row) override;
  async::Task<Result<CredentialId>> set_password(CredentialRow row) override;
  async::Task<Result<>> remove(AccountId account, CredentialId id) override;
  async::Task<Result<>> remove_all(AccountId account) override;
  async::Task<Result<std::vector<std::string>>> history(AccountId account, std::size_t most) override;
  async::Task<Result<std::vector<AccountId>>> owners() override;

 private:
  Lane lane_;
  std::mutex reading_mutex_;
  std::unique_ptr<Database> reading_;
};

}  // namespace postern::store::sqlite
