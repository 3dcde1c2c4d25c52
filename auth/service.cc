// SPDX-License-Identifier: Apache-2.0
// The Service over a Workshop: logins, exchanges and the change of a password.
#include "auth/service.h"

#include "auth/exchange.h"
#include "auth/passwords.h"
#include "auth/sasl_messages.h"
#include "auth/service_factory.h"
#include "auth/strength.h"

namespace postern::auth {
namespace {

/// What the gate needs, gathered before the work goes to the pool.
struct NewPassword {
  Secret password;  ///< OpaqueString
  std::vector<std::string> words;
  std::vector<Verifier> history;
  StrengthRules rules;
  HashCost cost;
};

/// Judges and hashes. Runs on the hashing pool.
Result<Verifier> judged_and_hashed(const NewPassword& wanted) {
  if (auto strong = check_strength(wanted.password, wanted.rules, wanted.words); !strong) return std::unexpected(strong.error());
  for (const auto& former : wanted.history) {
    const auto same = matches(former, wanted.password);
    if (!same) return std::unexpected(same.error());
    if (*same) return fail(ErrorKind::invalid, "This password was used for this account before. Choose a new one.");
  }
  return make_verifier(wanted.password, wanted.cost);
}

class SaslService final : public Service {
 public:
  explicit SaslService(std::shared_ptr<Workshop> workshop) : workshop_(std::move(workshop)) {}
  /// Jobs under way end before anything that they use goes.
  ~SaslService() override {
    workshop_->hashing.stop();
    workshop_->steps.stop();
  }

  std::vector<std::string> mechanisms(const Origin& origin) const override { return workshop_->mechanisms(origin); }

  std::unique_ptr<Exchange> begin(Origin origin) override { return std::make_unique<SaslExchange>(workshop_, std::move(origin)); }

  async::Task<Step> login(Origin origin, std::string user, Secret password) override {
    AttemptLabel label{std::move(origin), "password", std::move(user)};
    if (!label.origin.tls) co_return workshop_->desk->refuse(label, Refusal::no_tls, "no TLS");
    auto message = make_plain(label.user, password);
    if (!message || message->size() > max_sasl_input) {
      co_return workshop_->desk->refuse(label, Refusal::bad_credentials, "not a possible name or password");
    }
    co_return co_await workshop_->plain(std::move(label), std::move(*message));
  }

  async::Task<Result<>> set_password(mail::AccountId id, Secret password) override {
    auto& desk = *workshop_->desk;
    const auto account = desk.parts().directory.account(id);
    if (!account) co_return fail(ErrorKind::not_found, "There is no such account.");
    auto prepared = opaque_string(password.reveal());
    if (!prepared) co_return std::unexpected(prepared.error());
    const auto& settings = desk.settings();
    auto history = co_await desk.vault().history(id, settings.strength.history);
    if (!history) co_return std::unexpected(history.error());
    NewPassword wanted{std::move(*prepared), guessable_words(account->login, account->name, settings.hostname),
                       std::move(*history), settings.strength, settings.cost};
    auto verifier =
        co_await async::offload(workshop_->hashing, [wanted = std::move(wanted)] { return judged_and_hashed(wanted); });
    if (!verifier) co_return std::unexpected(verifier.error());
    auto stored = co_await desk.vault().replace_password(id, std::move(*verifier), desk.parts().clock.unix_now());
    desk.forget(*account);
    if (!stored) co_return std::unexpected(stored.error());
    desk.parts().log.info("auth", "password_changed", {{"user", account->login}, {"account", id}});
    co_return Result<>();
  }

 private:
  std::shared_ptr<Workshop> workshop_;
};

/// Start-up of design.md §6: credentials without account go. A directory without any account is taken for a lost one.
async::Task<Result<>> clean_up(LoginDesk& desk) {
  const auto table = desk.parts().directory.table();
  if (table->accounts.empty()) co_return Result<>();
  std::vector<mail::AccountId> accounts;
  for (const auto& row : table->accounts) accounts.push_back(row.id);
  auto gone = co_await desk.vault().remove_orphans(std::move(accounts));
  if (!gone) co_return std::unexpected(gone.error());
  for (const auto id : *gone) desk.parts().log.warning("auth", "credentials_without_account_removed", {{"account", id}});
  co_return Result<>();
}

}  // namespace

async::Task<Result<std::unique_ptr<Service>>> make_service(DeskParts parts, Settings settings) {
  auto keyring = co_await open_keyring(settings.key_file, parts.credentials);
  if (!keyring) co_return std::unexpected(keyring.error());
  auto workshop = std::make_shared<Workshop>(parts, std::move(settings), std::move(*keyring));
  if (auto clean = co_await clean_up(*workshop->desk); !clean) co_return std::unexpected(clean.error());
  co_return std::make_unique<SaslService>(std::move(workshop));
}

}  // namespace postern::auth
