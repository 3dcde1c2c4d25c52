// SPDX-License-Identifier: Apache-2.0
// domain.*, account.* and alias.*: who is who, as the admin changes it.
#include "admin/commands.h"

#include <boost/json/array.hpp>

#include "admin/accounts.h"
#include "admin/json.h"
#include "admin/passwords.h"
#include "admin/rules.h"
#include "auth/account_settings.h"
#include "mail/script.h"

namespace postern::admin {

namespace json = boost::json;

namespace {

Answer answer_of(const Result<>& result) {
  if (!result) return std::unexpected(result.error());
  return json::object();
}

json::object describe(const store::DomainRow& row, const store::Quota& quota) {
  return {{"name", row.name},
          {"alias_of", row.alias_of},
          {"catch_all", row.catch_all},
          {"quota_bytes", row.quota.bytes},
          {"quota_messages", row.quota.messages},
          {"account_quota_bytes", row.account_quota.bytes},
          {"account_quota_messages", row.account_quota.messages},
          {"used_bytes", quota.used_bytes},
          {"used_messages", quota.used_messages}};
}

/// The domain as the table has it. Errors: invalid, not_found.
Result<store::DomainRow> find_domain(Context context, const Arguments& arguments) {
  const auto name = text_argument(arguments, "name");
  if (!name) return std::unexpected(name.error());
  const auto domain = mail::Domain::parse(*name);
  const auto table = context.directory.table();
  for (const auto& row : table->domains) {
    if (domain && row.name == domain->ascii()) return row;
  }
  return fail(ErrorKind::not_found, "there is no domain " + *name + "; `postern domain list` shows all");
}

/// Takes the numbers that the arguments give; the others stay.
Result<> apply_limits(store::DomainRow& row, const Arguments& arguments) {
  const std::pair<const char*, std::uint64_t*> fields[] = {{"quota_bytes", &row.quota.bytes},
                                                           {"quota_messages", &row.quota.messages},
                                                           {"account_quota_bytes", &row.account_quota.bytes},
                                                           {"account_quota_messages", &row.account_quota.messages}};
  for (const auto& [name, field] : fields) {
    const auto number = optional_number(arguments, name);
    if (!number) return std::unexpected(number.error());
    *field = number->value_or(*field);
  }
  return {};
}

Result<> apply_when_disabled(store::AccountRow& row, const Arguments& arguments) {
  using When = store::AccountRow::WhenDisabled;
  if (!arguments.contains("when_disabled")) return {};
  const auto word = optional_text(arguments, "when_disabled");
  if (word != "accept" && word != "refuse") {
    return fail(ErrorKind::invalid, "mail for a disabled account is \"accept\" or \"refuse\"");
  }
  row.when_disabled = word == "accept" ? When::accept_mail : When::refuse_mail;
  return {};
}

/// A name of two alphabets in one word may be somebody else's in disguise: it is told, not refused (security.md D81).
void tell_odd_name(json::object& answer, const store::AccountRow& row) {
  const auto odd = mail::odd_script(row.name);
  if (odd) answer["warning"] = "the display name " + *odd + "; some readers will take it for another name";
}

// Takes what the arguments give; what they leave out stays.
Result<> apply_settings(store::AccountRow& row, const Arguments& arguments) {
  const auto bytes = optional_number(arguments, "quota_bytes");
  if (!bytes) return std::unexpected(bytes.error());
  const auto messages = optional_number(arguments, "quota_messages");
  if (!messages) return std::unexpected(messages.error());
  row.quota_bytes = bytes->value_or(row.quota_bytes);
  row.quota_messages = messages->value_or(row.quota_messages);
  row.enabled = optional_flag(arguments, "enabled").value_or(row.enabled);
  if (arguments.contains("name")) row.name = optional_text(arguments, "name");
  if (auto set = apply_when_disabled(row, arguments); !set) return set;
  if (auto rules = apply_rules(row.access, arguments); !rules) return rules;
  if (auto set = apply_account_settings(row.settings, arguments); !set) return set;
  auto canonical = auth::canonical_settings(row.settings);
  if (!canonical) return std::unexpected(canonical.error());
  row.settings = std::move(*canonical);
  return {};
}

}  // namespace

json::object describe_account(const store::AccountRow& row, const store::Quota& quota) {
  const bool accepts = row.when_disabled == store::AccountRow::WhenDisabled::accept_mail;
  json::object out{{"id", row.id},
                   {"login", row.login},
                   {"name", row.name},
                   {"enabled", row.enabled},
                   {"quota_bytes", row.quota_bytes},
                   {"quota_messages", row.quota_messages},
                   {"used_bytes", quota.used_bytes},
                   {"used_messages", quota.used_messages},
                   {"when_disabled", accepts ? "accept" : "refuse"}};
  tell_rules(out, row.access);
  return out;
}

store::Ceiling default_quota(Context context, std::string_view login) {
  const auto config = context.config.get();
  store::Ceiling out{config->quota.default_bytes, config->quota.default_messages};
  const auto address = mail::Address::parse(login);
  const auto table = context.directory.table();
  for (const auto& row : table->domains) {
    if (!address || address->domain() == nullptr || row.name != address->domain()->ascii()) continue;
    if (row.account_quota.bytes != 0) out.bytes = row.account_quota.bytes;
    if (row.account_quota.messages != 0) out.messages = row.account_quota.messages;
  }
  return out;
}

Result<store::AccountRow> find_account(Context context, const Arguments& arguments) {
  const auto login = text_argument(arguments, "login");
  if (!login) return std::unexpected(login.error());
  auto row = context.directory.account(*login);
  if (!row) return fail(ErrorKind::not_found, "there is no account " + *login + "; `postern account list` shows all");
  return *row;
}

namespace commands_of {

async::Task<Answer> domain_add(Context context, Arguments arguments) {
  auto name = text_argument(arguments, "name");
  if (!name) co_return std::unexpected(name.error());
  co_return answer_of(co_await context.directory.add_domain(*name));
}

async::Task<Answer> domain_set(Context context, Arguments arguments) {
  auto row = find_domain(context, arguments);
  if (!row) co_return std::unexpected(row.error());
  if (auto applied = apply_limits(*row, arguments); !applied) co_return std::unexpected(applied.error());
  if (arguments.contains("alias_of")) row->alias_of = optional_text(arguments, "alias_of");
  if (arguments.contains("catch_all")) row->catch_all = optional_text(arguments, "catch_all");
  co_return answer_of(co_await context.directory.set_domain(*row));
}

async::Task<Answer> domain_remove(Context context, Arguments arguments) {
  auto name = text_argument(arguments, "name");
  if (!name) co_return std::unexpected(name.error());
  auto removed = co_await context.directory.remove_domain(*name);
  if (!removed && removed.error().kind == ErrorKind::conflict) {
    co_return fail(ErrorKind::conflict,
                   *name + " is still used; remove what `postern account list` and `postern alias list` show of it first");
  }
  if (!removed && removed.error().kind == ErrorKind::not_found)
    co_return fail(ErrorKind::not_found, "there is no domain " + *name + "; `postern domain list` shows all");
  co_return answer_of(removed);
}

async::Task<Answer> domain_list(Context context, Arguments) {
  json::array domains;
  const auto table = context.directory.table();
  for (const auto& row : table->domains) domains.push_back(describe(row, context.store.domain_quota(row.name)));
  co_return json::object{{"domains", std::move(domains)}};
}

// The password comes first: one that the gate refuses leaves no account behind.
async::Task<Answer> account_add(Context context, Arguments arguments) {
  auto login = text_argument(arguments, "login");
  if (!login) co_return std::unexpected(login.error());
  store::AccountRow settings;
  const auto usual = default_quota(context, *login);
  settings.quota_bytes = usual.bytes;
  settings.quota_messages = usual.messages;
  if (auto applied = apply_settings(settings, arguments); !applied) co_return std::unexpected(applied.error());
  const auto chosen = co_await choose_password(context, {.login = *login, .name = settings.name}, std::move(arguments));
  if (!chosen) co_return std::unexpected(chosen.error());
  auto id = co_await context.directory.add_account(*login, settings);
  if (!id) co_return std::unexpected(id.error());
  auto set = co_await set_chosen(context, *id, *chosen);
  if (!set) {
    co_await context.directory.remove_account(*login);
    co_return std::unexpected(set.error());
  }
  json::object result{{"id", *id}, {"login", *login}};
  tell_odd_name(result, settings);
  tell_password(result, *chosen);
  co_return result;
}

async::Task<Answer> account_set(Context context, Arguments arguments) {
  auto row = find_account(context, arguments);
  if (!row) co_return std::unexpected(row.error());
  const auto before = row->access;
  if (auto applied = apply_settings(*row, arguments); !applied) co_return std::unexpected(applied.error());
  auto changed = co_await context.directory.set_account(*row);
  if (!changed) co_return answer_of(changed);
  // Sessions that stand on other rules than those of now end as well.
  if (!row->enabled || row->access != before) context.office.shut_out(*row);
  if (row->enabled) context.office.let_in(*row);
  json::object result;
  if (arguments.contains("name")) tell_odd_name(result, *row);
  co_return result;
}

async::Task<Answer> account_remove(Context context, Arguments arguments) {
  auto row = find_account(context, arguments);
  if (!row) co_return std::unexpected(row.error());
  // design.md §6: first the account, then what opens it; start-up removes what a crash leaves between the two.
  if (auto removed = co_await context.directory.remove_account(row->login); !removed) co_return answer_of(removed);
  co_return answer_of(co_await context.office.forget_account(*row));
}

async::Task<Answer> account_list(Context context, Arguments) {
  json::array accounts;
  for (const auto& row : context.directory.table()->accounts)
    accounts.push_back(describe_account(row, context.store.quota(row.id)));
  co_return json::object{{"accounts", std::move(accounts)}};
}

async::Task<Answer> alias_add(Context context, Arguments arguments) {
  auto alias = text_argument(arguments, "alias");
  auto target = text_argument(arguments, "target");
  if (!alias) co_return std::unexpected(alias.error());
  if (!target) co_return std::unexpected(target.error());
  co_return answer_of(co_await context.directory.add_alias(*alias, *target));
}

async::Task<Answer> alias_remove(Context context, Arguments arguments) {
  auto alias = text_argument(arguments, "alias");
  auto target = text_argument(arguments, "target");
  if (!alias) co_return std::unexpected(alias.error());
  if (!target) co_return std::unexpected(target.error());
  co_return answer_of(co_await context.directory.remove_alias(*alias, *target));
}

async::Task<Answer> alias_list(Context context, Arguments) {
  json::array aliases;
  const auto table = context.directory.table();
  for (const auto& row : table->addresses) {
    std::string target = row.forward;
    if (row.account != 0) {
      const auto account = context.directory.account(row.account);
      target = account ? account->login : std::string();
      if (target == row.address) continue;  // an account's own address is no alias
    }
    aliases.push_back(json::object{{"alias", row.address}, {"target", target}});
  }
  co_return json::object{{"aliases", std::move(aliases)}};
}

}  // namespace commands_of

}  // namespace postern::admin
