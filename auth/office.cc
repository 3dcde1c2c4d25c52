// SPDX-License-Identifier: Apache-2.0
#include "auth/office.h"

#include <algorithm>

#include "auth/exchange.h"
#include "auth/imported_hash.h"
#include "auth/passwords.h"

namespace postern::auth {

Result<store::AccountRow> Office::find(store::AccountId id) const {
  auto account = workshop_->desk->parts().directory.account(id);
  if (!account) return fail(ErrorKind::not_found, "There is no such account.");
  return std::move(*account);
}

async::Task<Result<NewAppPassword>> Office::add_app_password(store::AccountId id, AppRules rules) {
  auto& desk = *workshop_->desk;
  const auto account = find(id);
  if (!account) co_return std::unexpected(account.error());
  auto row = row_of(rules, desk.parts().clock.unix_now());
  if (!row) co_return std::unexpected(row.error());
  row->account = id;
  const auto present = co_await app_passwords(id);
  if (!present) co_return std::unexpected(present.error());
  if (present->size() >= max_app_passwords) {
    co_return fail(ErrorKind::limit, fmt::format("the account has {} app passwords already; revoke one first", present->size()));
  }
  if (std::any_of(present->begin(), present->end(), [&](const auto& one) { return one.label == row->label; })) {
    co_return fail(ErrorKind::exists, "there is an app password " + row->label + " already; revoke it or choose another label");
  }
  auto password = generate_password();
  const auto compact = compact_app_password(password.reveal());
  if (!compact) co_return fail(ErrorKind::internal, "a generated password has no compact form");
  auto work = [desk = workshop_->desk, account = *account, compact = *compact]() -> Result<Verifier> {
    const auto wallet = desk->vault().wallet_now(account.id);
    if (!wallet) return std::unexpected(wallet.error());
    const auto iterations = desk->settings().cost.scram_iterations;
    return make_app_verifier(compact, spellings_of(compact),
                             desk->vault().challenge_for_app(*wallet, name_key(account.login), iterations));
  };
  auto verifier = co_await async::offload(workshop_->hashing, std::move(work));
  if (!verifier) co_return std::unexpected(verifier.error());
  const auto label = row->label;
  const auto added = co_await desk.vault().add(std::move(*row), *verifier);
  if (!added) co_return std::unexpected(added.error());
  desk.parts().log.info("auth", "app_password_added", {{"user", account->login}, {"label", label}});
  co_return NewAppPassword{*added, std::move(password)};
}

async::Task<Result<std::vector<store::CredentialRow>>> Office::app_passwords(store::AccountId id) {
  auto rows = co_await workshop_->desk->parts().credentials.get(id);
  if (!rows) co_return std::unexpected(rows.error());
  std::erase_if(*rows, [](const auto& one) { return one.kind != app_kind; });
  for (auto& one : *rows) one.sealed.clear();
  co_return std::move(*rows);
}

async::Task<Result<std::size_t>> Office::revoke_app_password(store::AccountId id, std::string label) {
  auto& desk = *workshop_->desk;
  const auto account = find(id);
  if (!account) co_return std::unexpected(account.error());
  const auto present = co_await app_passwords(id);
  if (!present) co_return std::unexpected(present.error());
  const auto at = std::find_if(present->begin(), present->end(), [&](const auto& one) { return one.label == label; });
  if (at == present->end()) co_return fail(ErrorKind::not_found, "there is no app password " + label + " of " + account->login);
  const auto removed = co_await desk.parts().credentials.remove(id, at->id);
  if (!removed) co_return std::unexpected(removed.error());
  const auto ended = desk.forget(*account, at->id);
  desk.parts().log.info("auth", "app_password_revoked", {{"user", account->login}, {"label", label}, {"sessions", ended}});
  co_return ended;
}

async::Task<Result<>> Office::set_imported(store::AccountId id, std::string hash) {
  auto& desk = *workshop_->desk;
  const auto account = find(id);
  if (!account) co_return std::unexpected(account.error());
  auto sound = check_imported(hash);
  wipe(hash);
  if (!sound) co_return std::unexpected(sound.error());
  const auto former = co_await desk.vault().password_id(id);
  if (!former) co_return std::unexpected(former.error());
  const auto stored = co_await desk.vault().replace_password(id, Verifier{std::move(*sound), {}}, desk.parts().clock.unix_now());
  desk.forget(*account, *former);
  if (!stored) co_return std::unexpected(stored.error());
  desk.parts().log.info("auth", "password_imported", {{"user", account->login}, {"account", id}});
  co_return Result<>();
}

async::Task<Result<store::LoginPolicy>> Office::policy(store::AccountId id) {
  return workshop_->desk->parts().credentials.policy(id);
}

async::Task<Result<>> Office::set_policy(store::AccountId id, store::LoginPolicy policy) {
  auto& desk = *workshop_->desk;
  const auto account = find(id);
  if (!account) co_return std::unexpected(account.error());
  const auto main = co_await desk.vault().password_id(id);
  if (!main) co_return std::unexpected(main.error());
  const auto stored = co_await desk.parts().credentials.set_policy(id, policy);
  if (!stored) co_return std::unexpected(stored.error());
  // Without the policy nothing ends, but passwords that were refused under it must be tried again: credential 0 has no sessions.
  desk.forget(*account, policy.app_passwords_only ? *main : store::CredentialId{0});
  desk.parts().log.info("auth", "login_policy",
                        {{"user", account->login}, {"app_passwords_only", policy.app_passwords_only ? "yes" : "no"}});
  co_return Result<>();
}

std::size_t Office::shut_out(const store::AccountRow& account) { return workshop_->desk->forget(account, std::nullopt); }

void Office::let_in(const store::AccountRow& account) { workshop_->desk->forget(account, store::CredentialId{0}); }

async::Task<Result<>> Office::forget_account(store::AccountRow account) {
  const auto removed = co_await workshop_->desk->parts().credentials.remove_all(account.id);
  shut_out(account);
  workshop_->desk->guard().remove(account.login);
  co_return removed;
}

async::Task<Result<std::vector<store::LoginRow>>> Office::logins(store::LoginQuery query) {
  auto& desk = *workshop_->desk;
  // The record is written by a thread of its own; what it has not written yet is waited for where waiting is allowed.
  const auto settled = co_await async::offload(workshop_->steps, [desk = workshop_->desk] { desk->backroom().settle(); });
  if (!settled) co_return std::unexpected(settled.error());
  co_return co_await desk.parts().credentials.logins(query);
}

void Office::on_new_network(NewNetworkNotice notice) { workshop_->desk->backroom().on_new_network(std::move(notice)); }
void Office::finish() {
  workshop_->desk->backroom().finish();
  workshop_->desk->keep();
}

}  // namespace postern::auth
