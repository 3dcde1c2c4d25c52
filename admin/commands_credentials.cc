// SPDX-License-Identifier: Apache-2.0
// app_password.*, account.mail_login and account.logins: with what, from where and when accounts log in.
#include <boost/json/array.hpp>
#include <charconv>

#include "admin/accounts.h"
#include "admin/commands.h"
#include "admin/json.h"

namespace postern::admin {

namespace json = boost::json;

namespace {

constexpr std::uint64_t most_logins = 10'000;
constexpr std::uint64_t usual_logins = 100;

json::array array_of(const std::string& column) {
  json::array out;
  for (const auto& one : auth::list_of(column)) out.emplace_back(one);
  return out;
}

json::object describe(const store::CredentialRow& row) {
  json::object out{{"label", row.label},
                   {"created", row.created},
                   {"protocols", array_of(row.protocols)},
                   {"networks", array_of(row.networks)},
                   {"expires", row.expires}};
  if (row.last.at != 0) out["last"] = json::object{{"at", row.last.at}, {"ip", row.last.ip}, {"protocol", row.last.protocol}};
  return out;
}

json::object describe(const store::LoginRow& row) {
  return {{"at", row.at},           {"account", row.name},     {"protocol", row.protocol},
          {"ip", row.ip},           {"credential", row.label}, {"mechanism", row.mechanism},
          {"outcome", row.outcome}, {"reason", row.reason}};
}

Result<auth::AppRules> rules_of(const Arguments& arguments) {
  auth::AppRules rules;
  auto label = text_argument(arguments, "label");
  if (!label) return std::unexpected(label.error());
  rules.label = std::move(*label);
  auto protocols = texts_argument(arguments, "protocols");
  if (!protocols) return std::unexpected(protocols.error());
  rules.protocols = std::move(*protocols);
  auto networks = texts_argument(arguments, "networks");
  if (!networks) return std::unexpected(networks.error());
  rules.networks = std::move(*networks);
  const auto expires = optional_number(arguments, "expires");
  if (!expires) return std::unexpected(expires.error());
  rules.expires = static_cast<UnixTime>(expires->value_or(0));
  return rules;
}

}  // namespace

namespace commands_of {

// The password is in this answer and nowhere else.
async::Task<Answer> app_password_add(Context context, Arguments arguments) {
  const auto account = find_account(context, arguments);
  if (!account) co_return std::unexpected(account.error());
  auto rules = rules_of(arguments);
  if (!rules) co_return std::unexpected(rules.error());
  json::object result{{"login", account->login}, {"label", rules->label}, {"expires", rules->expires}};
  const auto made = co_await context.office.add_app_password(account->id, std::move(*rules));
  if (!made) co_return std::unexpected(made.error());
  result["password"] = made->password.reveal();
  co_return result;
}

async::Task<Answer> app_password_list(Context context, Arguments arguments) {
  const auto account = find_account(context, arguments);
  if (!account) co_return std::unexpected(account.error());
  const auto rows = co_await context.office.app_passwords(account->id);
  if (!rows) co_return std::unexpected(rows.error());
  const auto policy = co_await context.office.policy(account->id);
  if (!policy) co_return std::unexpected(policy.error());
  json::array list;
  for (const auto& row : *rows) list.push_back(describe(row));
  co_return json::object{{"login", account->login},
                         {"mail_login", policy->app_passwords_only ? "app-passwords-only" : "any"},
                         {"now", context.clock.unix_now()},
                         {"app_passwords", std::move(list)}};
}

async::Task<Answer> app_password_revoke(Context context, Arguments arguments) {
  const auto account = find_account(context, arguments);
  if (!account) co_return std::unexpected(account.error());
  const auto label = text_argument(arguments, "label");
  if (!label) co_return std::unexpected(label.error());
  const auto ended = co_await context.office.revoke_app_password(account->id, *label);
  if (!ended && ended.error().kind == ErrorKind::not_found) {
    co_return fail(ErrorKind::not_found,
                   ended.error().text + "; `postern account app-password list " + account->login + "` shows all");
  }
  if (!ended) co_return std::unexpected(ended.error());
  co_return json::object{{"login", account->login}, {"label", *label}, {"sessions", *ended}};
}

async::Task<Answer> account_mail_login(Context context, Arguments arguments) {
  const auto account = find_account(context, arguments);
  if (!account) co_return std::unexpected(account.error());
  const auto wish = text_argument(arguments, "mail_login");
  if (!wish) co_return std::unexpected(wish.error());
  if (*wish != "any" && *wish != "app-passwords-only") {
    co_return fail(ErrorKind::invalid, "mail login is \"any\" or \"app-passwords-only\"");
  }
  const bool apps_only = *wish == "app-passwords-only";
  if (auto set = co_await context.office.set_policy(account->id, {.app_passwords_only = apps_only}); !set) {
    co_return std::unexpected(set.error());
  }
  const auto rows = co_await context.office.app_passwords(account->id);
  if (!rows) co_return std::unexpected(rows.error());
  co_return json::object{{"login", account->login}, {"mail_login", *wish}, {"app_passwords", rows->size()}};
}

async::Task<Answer> account_logins(Context context, Arguments arguments) {
  store::LoginQuery query;
  if (arguments.contains("login")) {
    const auto account = find_account(context, arguments);
    if (!account) co_return std::unexpected(account.error());
    query.account = account->id;
  }
  query.failed_only = optional_flag(arguments, "failed").value_or(false);
  const auto since = optional_number(arguments, "since");
  if (!since) co_return std::unexpected(since.error());
  const auto most = optional_number(arguments, "most");
  if (!most) co_return std::unexpected(most.error());
  query.since = static_cast<UnixTime>(since->value_or(0));
  query.most = std::min(most->value_or(usual_logins), most_logins);
  const auto rows = co_await context.office.logins(query);
  if (!rows) co_return std::unexpected(rows.error());
  json::array list;
  for (const auto& row : *rows) list.push_back(describe(row));
  co_return json::object{{"now", context.clock.unix_now()}, {"logins", std::move(list)}};
}

}  // namespace commands_of

}  // namespace postern::admin
