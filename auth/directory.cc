// SPDX-License-Identifier: Apache-2.0
// What the Directory answers; what it changes is in auth/directory_changes.cc.
#include "auth/directory.h"

#include "auth/directory_state.h"

namespace postern::auth {
namespace {

bool takes_mail(const store::AccountRow& account) {
  return account.enabled || account.when_disabled == store::AccountRow::WhenDisabled::accept_mail;
}

}  // namespace

Directory::Directory(store::Accounts& accounts, Log& log, const config::Live* live)
    : state_(std::make_unique<State>(accounts, log, live)) {}
Directory::~Directory() = default;

async::Task<Result<>> Directory::load() {
  const auto ticket = state_->ticket();
  auto table = co_await state_->accounts.load();
  if (!table) co_return std::unexpected(table.error());
  state_->replace(std::move(*table), ticket);
  co_return Result<>();
}

bool Directory::is_local(const mail::Domain& domain) const { return state_->now()->is_local(domain); }

Result<Resolution> Directory::answer(const mail::Address& address, const Question& question) const {
  const auto index = state_->now();
  auto targets = index->resolve(address, question);
  if (!targets) return std::unexpected(targets.error());
  Resolution out;
  for (auto& [account, detail] : targets->accounts) {
    out.mailboxes.push_back({account->id, account->login, std::move(detail), takes_mail(*account)});
  }
  for (auto& elsewhere : targets->elsewhere) out.forwards.push_back(Forward(std::move(elsewhere)));
  return out;
}

Explanation Directory::explain(const mail::Address& address, const Writer& writer) const {
  Explanation out;
  auto question = state_->question(writer);
  question.trace = &out.steps;
  out.end = answer(address, question);
  return out;
}

Result<Resolution> Directory::resolve(const mail::Address& address, const Writer& writer) const {
  auto found = answer(address, state_->question(writer));
  if (!found && found.error().kind == ErrorKind::limit) {
    state_->log.warning("auth", "alias_refused", {{"address", address.to_string()}, {"reason", found.error().text}});
  }
  return found;
}

std::optional<store::AccountRow> Directory::account(std::string_view login) const {
  const auto address = mail::Address::parse(login);
  if (!address) return std::nullopt;
  const auto index = state_->now();
  const auto* row = index->account(address->lookup_key());
  return row != nullptr ? std::optional(*row) : std::nullopt;
}

std::optional<store::AccountRow> Directory::account(store::AccountId id) const {
  const auto index = state_->now();
  const auto* row = index->account(id);
  return row != nullptr ? std::optional(*row) : std::nullopt;
}

bool Directory::may_send_as(store::AccountId account, const mail::Address& address) const {
  return right_to_send(account, address).has_value();
}

std::optional<std::string> Directory::right_to_send(store::AccountId account, const mail::Address& address) const {
  return state_->now()->right_to_send(account, address, state_->question());
}

std::vector<BoundRules> Directory::access_rules(store::AccountId account) const { return state_->now()->access_rules(account); }

std::vector<std::string> Directory::groups_of(store::AccountId account) const { return state_->now()->groups_of(account); }

std::shared_ptr<const store::AccountTable> Directory::table() const { return state_->now()->table(); }

}  // namespace postern::auth
