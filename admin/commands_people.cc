// SPDX-License-Identifier: Apache-2.0
// account.show, account.settings, group.*, send_as.* and address.explain: who belongs to what, who may write as whom, and where
// mail for an address would go.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>

#include "admin/accounts.h"
#include "admin/commands.h"
#include "admin/json.h"
#include "admin/rules.h"
#include "auth/account_settings.h"
#include "mail/status.h"

namespace postern::admin {

namespace json = boost::json;

namespace {

using Senders = store::GroupRow::Senders;
using Existing = auth::Directory::Existing;

constexpr std::array<std::pair<std::string_view, Senders>, 3> sender_words{
    {{"anyone", Senders::anyone}, {"inside", Senders::inside}, {"members", Senders::members}}};

std::string_view word_of(Senders senders) {
  for (const auto& [word, meaning] : sender_words) {
    if (meaning == senders) return word;
  }
  return "members";
}

json::object describe(Context context, const store::GroupRow& row) {
  json::array members;
  for (const auto id : row.members) {
    if (const auto account = context.directory.account(id)) members.emplace_back(account->login);
  }
  json::object out{{"name", row.name}, {"address", row.address}, {"senders", word_of(row.senders)}};
  tell_rules(out, row.access);
  out["members"] = std::move(members);
  return out;
}

Result<store::GroupRow> find_group(Context context, const Arguments& arguments) {
  const auto name = text_argument(arguments, "name");
  if (!name) return std::unexpected(name.error());
  for (const auto& row : context.directory.table()->groups) {
    if (row.name == *name) return row;
  }
  return fail(ErrorKind::not_found, "there is no group " + *name + "; `postern group list` shows all");
}

/// Takes what the arguments give; what they leave out stays.
Result<> apply_group(store::GroupRow& row, const Arguments& arguments) {
  if (auto rules = apply_rules(row.access, arguments); !rules) return rules;
  if (arguments.contains("address")) row.address = optional_text(arguments, "address");
  if (!arguments.contains("senders")) return {};
  const auto given = optional_text(arguments, "senders");
  for (const auto& [word, meaning] : sender_words) {
    if (word != given) continue;
    row.senders = meaning;
    return {};
  }
  return fail(ErrorKind::invalid, "who may write to a group is \"anyone\", \"inside\" or \"members\"");
}

/// Sessions that stand on other rules than those of now end; mail programs come back at once, where they still may.
void apply_to_sessions(Context context, const std::vector<store::AccountId>& members) {
  for (const auto id : members) {
    if (const auto account = context.directory.account(id)) context.office.shut_out(*account);
  }
}

/// The reply that RCPT would get.
std::string reply_of(const Error& error) {
  const auto text = [](const mail::Status& status, std::string_view words) {
    return fmt::format("{} {} {}", status.code, status.enhanced.to_string(), words);
  };
  namespace status = mail::status;
  switch (error.kind) {
    case ErrorKind::denied: return text(status::relay_denied, status::relay_denied.text);
    case ErrorKind::not_found: return text(status::no_such_mailbox, status::no_such_mailbox.text);
    case ErrorKind::unsupported: return text(status::refused_by_policy, error.text);
    default: return text(status::local_error, status::local_error.text);
  }
}

/// "" an outsider, "inside" a machine of a trusted network, else an account.
Result<auth::Writer> writer_of(Context context, const std::string& from) {
  if (from.empty()) return auth::Writer{};
  if (from == "inside") return auth::Writer::logged_in(0);
  const auto account = context.directory.account(from);
  if (account) return auth::Writer::logged_in(account->id);
  return fail(ErrorKind::not_found,
              "there is no account " + from + "; write a login, or \"inside\", or leave it out for a stranger");
}

json::object told(Context context, const auth::Resolution& found) {
  json::array mailboxes;
  bool taken = !found.forwards.empty();
  for (const auto& one : found.mailboxes) {
    json::object mailbox{{"login", one.login}, {"detail", one.detail}, {"takes_mail", one.takes_mail}};
    mailbox["full"] = context.store.quota(one.account).percent() >= 100;
    mailboxes.push_back(std::move(mailbox));
    taken = taken || one.takes_mail;
  }
  json::array forwards;
  for (const auto& one : found.forwards) forwards.emplace_back(one.to().to_string());
  const auto& disabled = mail::status::mailbox_disabled;
  const auto refusal = fmt::format("{} {} {}", disabled.code, disabled.enhanced.to_string(), disabled.text);
  return {{"accepted", taken},
          {"reply", taken ? std::string() : refusal},
          {"mailboxes", std::move(mailboxes)},
          {"forwards", std::move(forwards)}};
}

}  // namespace

namespace commands_of {

async::Task<Answer> account_settings(Context, Arguments) {
  json::array out;
  for (const auto& one : auth::account_settings()) {
    using Kind = auth::AccountSetting::Kind;
    const auto* kind = one.kind == Kind::flag     ? "on or off"
                       : one.kind == Kind::number ? "number"
                       : one.kind == Kind::names  ? "names"
                                                  : "addresses";
    out.push_back(json::object{{"name", one.name}, {"kind", kind}, {"usual", one.usual}, {"help", one.help}});
  }
  co_return json::object{{"settings", std::move(out)}};
}

async::Task<Answer> account_show(Context context, Arguments arguments) {
  const auto row = find_account(context, arguments);
  if (!row) co_return std::unexpected(row.error());
  auto out = describe_account(*row, context.store.quota(row->id));
  json::array aliases, groups, rights;
  json::object settings;
  const auto table = context.directory.table();
  for (const auto& one : table->addresses) {
    if (one.account == row->id && one.address != row->login) aliases.emplace_back(one.address);
  }
  for (const auto& name : context.directory.groups_of(row->id)) groups.emplace_back(name);
  for (const auto& one : table->send_as) {
    if (one.account == row->id) rights.emplace_back(one.address);
  }
  for (const auto& [name, value] : row->settings) settings[name] = value;
  const auto policy = co_await context.office.policy(row->id);
  if (!policy) co_return std::unexpected(policy.error());
  const auto apps = co_await context.office.app_passwords(row->id);
  if (!apps) co_return std::unexpected(apps.error());
  out["aliases"] = std::move(aliases);
  out["groups"] = std::move(groups);
  out["send_as"] = std::move(rights);
  out["settings"] = std::move(settings);
  out["mail_login"] = policy->app_passwords_only ? "app-passwords-only" : "any";
  out["app_passwords"] = apps->size();
  co_return out;
}

async::Task<Answer> group_add(Context context, Arguments arguments) {
  const auto name = text_argument(arguments, "name");
  if (!name) co_return std::unexpected(name.error());
  store::GroupRow row{.name = *name};
  if (auto applied = apply_group(row, arguments); !applied) co_return std::unexpected(applied.error());
  auto made = co_await context.directory.set_group(std::move(row), Existing::refuse);
  if (!made) co_return std::unexpected(made.error());
  co_return json::object{{"name", *name}};
}

async::Task<Answer> group_set(Context context, Arguments arguments) {
  auto row = find_group(context, arguments);
  if (!row) co_return std::unexpected(row.error());
  const auto before = row->access;
  if (auto applied = apply_group(*row, arguments); !applied) co_return std::unexpected(applied.error());
  auto made = co_await context.directory.set_group(*row, Existing::replace);
  if (!made) co_return std::unexpected(made.error());
  if (row->access != before) apply_to_sessions(context, row->members);
  co_return json::object{{"name", row->name}};
}

async::Task<Answer> group_remove(Context context, Arguments arguments) {
  const auto row = find_group(context, arguments);
  if (!row) co_return std::unexpected(row.error());
  auto removed = co_await context.directory.remove_group(row->name);
  if (!removed) co_return std::unexpected(removed.error());
  co_return json::object{{"name", row->name}, {"members", row->members.size()}};
}

async::Task<Answer> group_list(Context context, Arguments) {
  json::array groups;
  const auto table = context.directory.table();
  for (const auto& row : table->groups) groups.push_back(describe(context, row));
  co_return json::object{{"groups", std::move(groups)}};
}

// The group's rules bind the account from now on.
async::Task<Answer> group_member_add(Context context, Arguments arguments) {
  auto row = find_group(context, arguments);
  if (!row) co_return std::unexpected(row.error());
  const auto account = find_account(context, arguments);
  if (!account) co_return std::unexpected(account.error());
  if (std::ranges::find(row->members, account->id) != row->members.end()) {
    co_return fail(ErrorKind::exists, account->login + " is a member of " + row->name + " already");
  }
  row->members.push_back(account->id);
  auto made = co_await context.directory.set_group(*row, Existing::replace);
  if (!made) co_return std::unexpected(made.error());
  if (row->access != store::AccessRules{}) apply_to_sessions(context, {account->id});
  co_return json::object{{"name", row->name}, {"login", account->login}, {"members", row->members.size()}};
}

async::Task<Answer> group_member_remove(Context context, Arguments arguments) {
  auto row = find_group(context, arguments);
  if (!row) co_return std::unexpected(row.error());
  const auto account = find_account(context, arguments);
  if (!account) co_return std::unexpected(account.error());
  if (std::erase(row->members, account->id) == 0) {
    co_return fail(ErrorKind::not_found, account->login + " is no member of " + row->name + "; `postern group list` shows all");
  }
  auto made = co_await context.directory.set_group(*row, Existing::replace);
  if (!made) co_return std::unexpected(made.error());
  co_return json::object{{"name", row->name}, {"login", account->login}, {"members", row->members.size()}};
}

async::Task<Answer> send_as_add(Context context, Arguments arguments) {
  const auto account = find_account(context, arguments);
  if (!account) co_return std::unexpected(account.error());
  const auto address = text_argument(arguments, "address");
  if (!address) co_return std::unexpected(address.error());
  auto added = co_await context.directory.add_send_as(account->id, *address);
  if (!added) co_return std::unexpected(added.error());
  const auto domain = mail::Domain::parse(std::string_view(*added).substr(added->rfind('@') + 1));
  co_return json::object{{"login", account->login}, {"address", *added}, {"ours", domain && context.directory.is_local(*domain)}};
}

async::Task<Answer> send_as_remove(Context context, Arguments arguments) {
  const auto account = find_account(context, arguments);
  if (!account) co_return std::unexpected(account.error());
  const auto address = text_argument(arguments, "address");
  if (!address) co_return std::unexpected(address.error());
  auto removed = co_await context.directory.remove_send_as(account->id, *address);
  if (!removed && removed.error().kind == ErrorKind::not_found) {
    co_return fail(ErrorKind::not_found,
                   account->login + " has no right to send as " + *address + "; `postern account send-as` shows all");
  }
  if (!removed) co_return std::unexpected(removed.error());
  co_return json::object{{"login", account->login}, {"address", *removed}};
}

async::Task<Answer> send_as_list(Context context, Arguments arguments) {
  std::optional<store::AccountId> only;
  if (arguments.contains("login")) {
    const auto account = find_account(context, arguments);
    if (!account) co_return std::unexpected(account.error());
    only = account->id;
  }
  json::array out;
  const auto table = context.directory.table();
  for (const auto& row : table->send_as) {
    const auto account = context.directory.account(row.account);
    if (!account || (only && *only != row.account)) continue;
    out.push_back(json::object{{"login", account->login}, {"address", row.address}});
  }
  co_return json::object{{"send_as", std::move(out)}};
}

async::Task<Answer> address_explain(Context context, Arguments arguments) {
  const auto text = text_argument(arguments, "address");
  if (!text) co_return std::unexpected(text.error());
  const auto address = mail::Address::parse(*text);
  if (!address) co_return fail(ErrorKind::invalid, fmt::format("{} is not an address: {}", *text, address.error().text));
  const auto writer = writer_of(context, optional_text(arguments, "from"));
  if (!writer) co_return std::unexpected(writer.error());
  const auto explained = context.directory.explain(*address, *writer);
  json::object out;
  if (explained.end) {
    out = told(context, *explained.end);
  } else {
    out = {{"accepted", false},
           {"reply", reply_of(explained.end.error())},
           {"mailboxes", json::array()},
           {"forwards", json::array()}};
  }
  json::array steps;
  for (const auto& step : explained.steps) {
    steps.push_back(json::object{{"depth", step.depth}, {"address", step.address}, {"text", step.text}});
  }
  out["address"] = address->to_string();
  out["steps"] = std::move(steps);
  co_return out;
}

}  // namespace commands_of

}  // namespace postern::admin
