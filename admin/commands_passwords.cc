// SPDX-License-Identifier: Apache-2.0
// account.password, account.judge and account.weak: passwords as the admin sets and sees them.
#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "admin/accounts.h"
#include "admin/commands.h"
#include "admin/json.h"
#include "admin/passwords.h"
#include "auth/passphrase.h"
#include "auth/subject.h"

namespace postern::admin {

namespace json = boost::json;

namespace {

/// Passwords judged by one command; more come in further ones.
constexpr std::size_t most_wishes = 500;

/// Words of a fresh password, 0 for groups of letters and digits. Error invalid.
Result<unsigned> wanted_words(const Arguments& arguments) {
  const auto words = optional_number(arguments, "words");
  if (!words) return std::unexpected(words.error());
  if (optional_flag(arguments, "app_style").value_or(false)) {
    if (*words) return fail(ErrorKind::invalid, "say words or app_style, not both");
    return 0;
  }
  const auto count = words->value_or(auth::usual_passphrase_words);
  if (count < auth::least_passphrase_words || count > auth::most_passphrase_words) {
    return fail(ErrorKind::invalid, fmt::format("a generated password has {} to {} words, or is app-style",
                                                auth::least_passphrase_words, auth::most_passphrase_words));
  }
  return static_cast<unsigned>(count);
}

/// A wish of account.judge: of an account that exists, or of one that shall.
Result<auth::PasswordWish> wish_of(Context context, const json::value& value) {
  const auto* object = value.if_object();
  if (object == nullptr) return fail(ErrorKind::invalid, "wishes must be objects");
  const auto login = text_argument(*object, "login");
  const auto password = text_argument(*object, "password");
  if (!login) return std::unexpected(login.error());
  if (!password) return std::unexpected(password.error());
  auth::PasswordWish out{{.login = *login, .name = optional_text(*object, "name")}, Secret(*password)};
  if (const auto row = context.directory.account(*login)) out.person = auth::person_of(context.directory, *row);
  return out;
}

json::object described(const std::string& login, const auth::Judgement& judgement) {
  json::object out{{"login", login}, {"accepted", !judgement.objection}};
  if (judgement.objection) {
    out["weakness"] = auth::to_string(judgement.objection->weakness);
    out["text"] = judgement.objection->text;
  }
  if (!judgement.advice.empty()) out["advice"] = judgement.advice;
  return out;
}

}  // namespace

async::Task<Result<ChosenPassword>> choose_password(Context context, auth::Person person, Arguments arguments) {
  ChosenPassword out;
  out.hash = optional_text(arguments, "hash");
  if (!out.hash.empty()) co_return out;
  auto given = optional_text(arguments, "password");
  if (given.empty()) {
    const auto words = wanted_words(arguments);
    if (!words) co_return std::unexpected(words.error());
    auto fresh = co_await context.auth.generate(std::move(person), *words);
    if (!fresh) co_return std::unexpected(fresh.error());
    out.password = std::move(*fresh);
    out.generated = true;
    co_return out;
  }
  out.password = Secret::take(given);
  std::vector<auth::PasswordWish> wishes;
  wishes.push_back({std::move(person), out.password});
  auto judgements = co_await context.auth.judge(std::move(wishes));
  if (!judgements) co_return std::unexpected(judgements.error());
  auto& judgement = judgements->front();
  if (judgement.objection) co_return fail(ErrorKind::invalid, judgement.objection->text);
  out.advice = std::move(judgement.advice);
  co_return out;
}

async::Task<Result<>> set_chosen(Context context, store::AccountId account, const ChosenPassword& chosen) {
  if (!chosen.hash.empty()) co_return co_await context.office.set_imported(account, chosen.hash);
  co_return co_await context.auth.set_password(account, chosen.password);
}

void tell_password(json::object& answer, const ChosenPassword& chosen) {
  if (chosen.generated) answer["password"] = chosen.password.reveal();
  if (!chosen.advice.empty()) answer["advice"] = chosen.advice;
}

namespace commands_of {

// The old password, when it is given, must be right, and the new one must not be made from it.
async::Task<Answer> account_password(Context context, Arguments arguments) {
  auto row = find_account(context, arguments);
  if (!row) co_return std::unexpected(row.error());
  auto old = optional_text(arguments, "old_password");
  if (!old.empty() && arguments.contains("hash"))
    co_return fail(ErrorKind::invalid, "a hash cannot be compared with the old password");
  auto chosen = co_await choose_password(context, auth::person_of(context.directory, *row), std::move(arguments));
  if (!chosen) co_return std::unexpected(chosen.error());
  Result<> set;
  if (old.empty()) {
    set = co_await set_chosen(context, row->id, *chosen);
  } else {
    set = co_await context.auth.change_password({row->id, Secret::take(old), chosen->password});
  }
  if (!set) co_return std::unexpected(set.error());
  json::object result{{"login", row->login}};
  tell_password(result, *chosen);
  co_return result;
}

async::Task<Answer> account_judge(Context context, Arguments arguments) {
  const auto* given = arguments.if_contains("wishes");
  const auto* list = given == nullptr ? nullptr : given->if_array();
  if (list == nullptr) co_return fail(ErrorKind::invalid, "wishes is missing");
  if (list->size() > most_wishes) co_return fail(ErrorKind::limit, fmt::format("at most {} wishes at once", most_wishes));
  std::vector<auth::PasswordWish> wishes;
  std::vector<std::string> logins;
  for (const auto& value : *list) {
    auto wish = wish_of(context, value);
    if (!wish) co_return std::unexpected(wish.error());
    logins.push_back(wish->person.login);
    wishes.push_back(std::move(*wish));
  }
  const auto judgements = co_await context.auth.judge(std::move(wishes));
  if (!judgements) co_return std::unexpected(judgements.error());
  json::array out;
  for (std::size_t i = 0; i < judgements->size(); ++i) out.push_back(described(logins[i], (*judgements)[i]));
  co_return json::object{{"judgements", std::move(out)}};
}

async::Task<Answer> account_weak(Context context, Arguments) {
  const auto rows = co_await context.store.credentials().weak();
  if (!rows) co_return std::unexpected(rows.error());
  json::array out;
  for (const auto& row : *rows) {
    const auto account = context.directory.account(row.account);
    if (!account) continue;
    const auto weakness = auth::weakness_named(row.reason);
    out.push_back(json::object{{"login", account->login},
                               {"weakness", row.reason},
                               {"text", weakness ? auth::describe(*weakness) : std::string_view("by a rule of another release")},
                               {"since", row.since}});
  }
  co_return json::object{{"accounts", std::move(out)}, {"now", context.clock.unix_now()}};
}

}  // namespace commands_of

}  // namespace postern::admin
