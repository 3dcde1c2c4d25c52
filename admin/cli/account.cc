// SPDX-License-Identifier: Apache-2.0
// postern account add|set|remove|list; its passwords are in admin/cli/passwords.cc
#include <boost/json/array.hpp>
#include <iostream>

#include "admin/cli/output.h"
#include "admin/cli/passwords.h"
#include "admin/cli/subcommand.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

const Option login_option{"login", "the account's address, for example alice@example.org", Option::Kind::text, true};
const Option name_option{"--name", "display name"};
const Option quota_option{"--quota", "most the mailboxes may hold, for example 5GiB; 0 for no limit", Option::Kind::size};
const Option quota_messages_option{"--quota-messages", "most messages; 0 for no limit", Option::Kind::number};
const Option mail_login_option{"--mail-login", "\"any\", or \"app-passwords-only\": the main password opens no mail program"};

void add_settings(const Invocation& run, json::object& arguments) {
  if (run.has("name")) arguments["name"] = run.text("name");
  if (run.has("quota")) arguments["quota_bytes"] = std::stoull(run.text("quota"));
  if (run.has("quota-messages")) arguments["quota_messages"] = std::stoull(run.text("quota-messages"));
}

int add(Invocation& run) {
  json::object arguments{{"login", run.text("login")}};
  add_settings(run, arguments);
  if (const auto mistake = add_password(run, arguments); !mistake.empty()) return show_failure(run, {exit_usage, mistake});
  return call_and_show(run, "account.add", std::move(arguments), [&](const json::object& result) {
    std::cout << "Account " << run.text("login") << " exists now.\n";
    show_password(result);
  });
}

// Two commands behind one: how an account may log in is no setting of the directory.
int set_mail_login(Invocation& run) {
  return call_and_show(run, "account.mail_login", {{"login", run.text("login")}, {"mail_login", run.text("mail-login")}},
                       [&](const json::object& result) {
                         std::cout << "Mail login of " << run.text("login") << " is now: " << run.text("mail-login") << ".\n";
                         if (result.at("mail_login").as_string() == "any" || result.at("app_passwords").to_number<int>() > 0)
                           return;
                         std::cout << "It has no app password yet, so it cannot log in. Make one with: postern account "
                                      "app-password add "
                                   << run.text("login") << " phone\n";
                       });
}

int set(Invocation& run) {
  json::object arguments{{"login", run.text("login")}};
  add_settings(run, arguments);
  if (run.has("enable")) arguments["enabled"] = true;
  if (run.has("disable")) arguments["enabled"] = false;
  if (run.has("enable") && run.has("disable")) return show_failure(run, {exit_usage, "say --enable or --disable, not both"});
  if (run.has("mail-login")) {
    if (arguments.size() > 1) return show_failure(run, {exit_usage, "say --mail-login alone"});
    return set_mail_login(run);
  }
  if (arguments.size() == 1)
    return show_failure(
        run, {exit_usage, "say what to change: --name, --quota, --quota-messages, --mail-login, --enable or --disable"});
  return call_and_show(run, "account.set", std::move(arguments),
                       [&](const json::object&) { std::cout << "Account " << run.text("login") << " is changed.\n"; });
}

int remove(Invocation& run) {
  if (!run.has("yes")) {
    return show_failure(run, {exit_usage, "this deletes all mail of " + run.text("login") + "; say --yes if you mean it"});
  }
  return call_and_show(run, "account.remove", {{"login", run.text("login")}},
                       [&](const json::object&) { std::cout << "Account " << run.text("login") << " and its mail are gone.\n"; });
}

std::string quota_text(std::uint64_t used, std::uint64_t limit) {
  return limit == 0 ? human_size(used) : human_size(used) + " of " + human_size(limit);
}

int list(Invocation& run) {
  return call_and_show(run, "account.list", {}, [](const json::object& result) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& row : result.at("accounts").as_array()) {
      rows.push_back(
          {std::string(row.at("login").as_string()), row.at("enabled").as_bool() ? "active" : "disabled",
           std::to_string(row.at("used_messages").to_number<std::uint64_t>()),
           quota_text(row.at("used_bytes").to_number<std::uint64_t>(), row.at("quota_bytes").to_number<std::uint64_t>()),
           std::string(row.at("name").as_string())});
    }
    print_table({"ACCOUNT", "STATE", "MESSAGES", "SIZE", "NAME"}, rows,
                "No accounts yet. Add one with: postern account add alice@example.org");
  });
}

}  // namespace

std::vector<Subcommand> account_commands() {
  return {
      {"account add",
       "make an account; without --password-stdin a strong password is made and shown once",
       "postern account add alice@example.org --name 'Alice Example' --quota 5GiB",
       {login_option, name_option, quota_option, quota_messages_option, password_stdin_option, hash_option, words_option,
        app_style_option},
       add},
      {"account set",
       "change an account's settings",
       "postern account set alice@example.org --quota 10GiB",
       {login_option,
        name_option,
        quota_option,
        quota_messages_option,
        mail_login_option,
        {"--enable", "let it log in and receive", Option::Kind::flag},
        {"--disable", "stop logins and receiving", Option::Kind::flag}},
       set},
      {"account remove",
       "delete an account with all its mail",
       "postern account remove alice@example.org --yes",
       {login_option, {"--yes", "yes, delete the mail too", Option::Kind::flag}},
       remove},
      {"account list", "show accounts and what they use", "postern account list", {}, list},
  };
}

}  // namespace postern::admin::cli
