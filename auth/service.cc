// SPDX-License-Identifier: Apache-2.0
// The Service over a Workshop: logins, exchanges and the change of a password.
#include "auth/service.h"

#include <algorithm>
#include <iterator>

#include "auth/exchange.h"
#include "auth/office.h"
#include "auth/passwords.h"
#include "auth/sasl_messages.h"
#include "auth/service_factory.h"
#include "auth/strength.h"
#include "auth/subject.h"

namespace postern::auth {
namespace {

/// Wishes judged in one job of the pool, so that logins get their turn between them.
constexpr std::size_t wishes_at_once = 16;

/// What the gate needs, gathered before the work goes to the pool.
struct NewPassword {
  std::shared_ptr<LoginDesk> desk;
  Secret password;                     ///< OpaqueString
  std::optional<Secret> old_password;  ///< OpaqueString, when the present one must be proven
  std::vector<std::string> words;
  std::vector<Verifier> history;  ///< the present one first
  store::AccountRow account;
};

/// Judges and hashes. Runs on the hashing pool.
Result<Verifier> judged_and_hashed(const NewPassword& wanted) {
  if (wanted.old_password) {
    const auto right = wanted.history.empty() ? Result<bool>(false) : matches(wanted.history.front(), *wanted.old_password);
    if (!right) return std::unexpected(right.error());
    if (!*right) return fail(ErrorKind::denied, "The old password is wrong.");
  }
  auto judgement = wanted.desk->gate().judge(wanted.password, {.words = wanted.words, .old_password = wanted.old_password});
  if (judgement.objection) return fail(ErrorKind::invalid, std::move(judgement.objection->text));
  const std::size_t compared = std::min<std::size_t>(wanted.history.size(), wanted.desk->gate().rules().history);
  for (std::size_t i = 0; i < compared; ++i) {
    const auto same = matches(wanted.history[i], wanted.password);
    if (!same) return std::unexpected(same.error());
    if (*same) return fail(ErrorKind::invalid, "This password was used for this account before. Choose a new one.");
  }
  const auto& cost = wanted.desk->settings().cost;
  const auto& vault = wanted.desk->vault();
  const auto wallet = vault.wallet_now(wanted.account.id);
  if (!wallet) return std::unexpected(wallet.error());
  return make_verifier(wanted.password, cost,
                       vault.challenge_for_password(*wallet, name_key(wanted.account.login), cost.scram_iterations));
}

std::vector<Judgement> judged(const Gate& gate, const std::vector<PasswordWish>& wishes, const std::string& hostname) {
  std::vector<Judgement> out;
  for (const auto& wish : wishes) {
    out.push_back(gate.judge_typed(wish.password, {.words = guessable_words(wish.person, hostname)}));
  }
  return out;
}

class SaslService final : public Service {
 public:
  explicit SaslService(std::shared_ptr<Workshop> workshop) : workshop_(std::move(workshop)) {}
  /// Jobs under way end before anything that they use goes.
  ~SaslService() override {
    workshop_->hashing.stop();
    workshop_->steps.stop();
    workshop_->desk->weak_finder().stop();
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
    co_return co_await replace(id, std::move(password), std::nullopt);
  }

  async::Task<Result<>> change_password(PasswordChange change) override {
    auto old = opaque_string(change.old_password.reveal());
    if (!old) co_return fail(ErrorKind::denied, "The old password is wrong.");
    co_return co_await replace(change.account, std::move(change.password), std::move(*old));
  }

  async::Task<Result<std::vector<Judgement>>> judge(std::vector<PasswordWish> wishes) override {
    std::vector<Judgement> out;
    for (std::size_t at = 0; at < wishes.size(); at += wishes_at_once) {
      const auto end = std::min(at + wishes_at_once, wishes.size());
      std::vector<PasswordWish> some(std::make_move_iterator(wishes.begin() + static_cast<std::ptrdiff_t>(at)),
                                     std::make_move_iterator(wishes.begin() + static_cast<std::ptrdiff_t>(end)));
      auto done = co_await async::offload(workshop_->hashing, [desk = workshop_->desk, some = std::move(some)] {
        return judged(desk->gate(), some, desk->settings().hostname);
      });
      if (!done) co_return std::unexpected(done.error());
      out.insert(out.end(), std::make_move_iterator(done->begin()), std::make_move_iterator(done->end()));
    }
    co_return out;
  }

  async::Task<Result<Secret>> generate(Person person, unsigned words) override {
    co_return co_await async::offload(workshop_->hashing, [desk = workshop_->desk, person = std::move(person), words] {
      return desk->gate().generate(words, {.words = guessable_words(person, desk->settings().hostname)});
    });
  }

 private:
  async::Task<Result<>> replace(mail::AccountId id, Secret password, std::optional<Secret> old) {
    auto& desk = *workshop_->desk;
    const auto account = desk.parts().directory.account(id);
    if (!account) co_return fail(ErrorKind::not_found, "There is no such account.");
    auto prepared = opaque_string(password.reveal());
    if (!prepared) co_return std::unexpected(prepared.error());
    // The present password is needed to prove the old one, also when no history is kept.
    auto history = co_await desk.vault().history(id, std::max(1U, desk.settings().strength.history));
    if (!history) co_return std::unexpected(history.error());
    NewPassword wanted{workshop_->desk,     std::move(*prepared),
                       std::move(old),      words_of(desk.parts().directory, *account, desk.settings().hostname),
                       std::move(*history), *account};
    auto verifier =
        co_await async::offload(workshop_->hashing, [wanted = std::move(wanted)] { return judged_and_hashed(wanted); });
    if (!verifier) co_return std::unexpected(verifier.error());
    const auto former = co_await desk.vault().password_id(id);
    if (!former) co_return std::unexpected(former.error());
    auto stored = co_await desk.vault().replace_password(id, std::move(*verifier), desk.parts().clock.unix_now());
    desk.forget(*account, *former);
    if (!stored) co_return std::unexpected(stored.error());
    desk.parts().log.info("auth", "password_changed", {{"user", account->login}, {"account", id}});
    co_return Result<>();
  }

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

async::Task<Result<Front>> make_front(DeskParts parts, Settings settings) {
  auto keyring = co_await open_keyring(settings.key_file, parts.credentials);
  if (!keyring) co_return std::unexpected(keyring.error());
  auto workshop = std::make_shared<Workshop>(parts, std::move(settings), std::move(*keyring));
  if (auto clean = co_await clean_up(*workshop->desk); !clean) co_return std::unexpected(clean.error());
  co_await workshop->desk->remember();
  Front front;
  front.office = std::make_unique<Office>(workshop);
  front.service = std::make_unique<SaslService>(std::move(workshop));
  co_return front;
}

}  // namespace postern::auth
