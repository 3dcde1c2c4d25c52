// SPDX-License-Identifier: Apache-2.0
// postern account add|set|show|settings|remove|list; its passwords are in admin/cli/passwords.cc
#include <boost/json/array.hpp>
#include <iostream>

#include "admin/cli/output.h"
#include "admin/cli/passwords.h"
#include "admin/cli/rules.h"
#include "admin/cli/subcommand.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

const Option login_option{"login", "the account's address, for example alice@example.org", Option::Kind::text, true};
const Option name_option{"--name", "display name"};
const Option quota_option{"--quota", "most the mailboxes may hold, for example 5GiB; 0 for no limit", Option::Kind::size};
const Option quota_messages_option{"--quota-messages", "most messages; 0 for no limit", Option::Kind::number};
const Option setting_option{"--setting", "settings as name=value, with commas; postern account settings lists them"};
const Option mail_login_option{"--mail-login", "\"any\", or \"app-passwords-only\": the main password opens no mail program"};

void add_settings(const Invocation& run, json::object& arguments) {
  if (run.has("name")) arguments["name"] = run.text("name");
  if (run.has("quota")) arguments["quota_bytes"] = std::stoull(run.text("quota"));
  if (run.has("quota-messages")) arguments["quota_messages"] = std::stoull(run.text("quota-messages"));
  if (run.has("when-disabled")) arguments["when_disabled"] = run.text("when-disabled");
  add_rules(run, arguments);
}

/// "login_mail=off,admin=on" as an object. Empty: the text has no such form.
json::object settings_of(const std::string& text) {
  json::object out;
  for (const auto& word : words_of(text)) {
    const std::string_view one = word.as_string();
    const auto equals = one.find('=');
    if (equals == std::string_view::npos || equals == 0) return {};
    out[one.substr(0, equals)] = one.substr(equals + 1);
  }
  return out;
}
constexpr const char* settings_form = "write --setting name=value, several with commas; name= alone drops it";

void show_warning(const json::object& result) {
  if (const auto* warning = result.if_contains("warning")) {
    std::cout << "Warning: " << std::string_view(warning->as_string()) << ".\n";
  }
}

int add(Invocation& run) {
  json::object arguments{{"login", run.text("login")}};
  add_settings(run, arguments);
  if (run.has("setting")) arguments["settings"] = settings_of(run.text("setting"));
  if (run.has("setting") && settings_of(run.text("setting")).empty()) return show_failure(run, {exit_usage, settings_form});
  if (const auto mistake = add_password(run, arguments); !mistake.empty()) return show_failure(run, {exit_usage, mistake});
  return call_and_show(run, "account.add", std::move(arguments), [&](const json::object& result) {
    std::cout << "Account " << run.text("login") << " exists now.\n";
    show_warning(result);
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
  if (run.has("setting")) arguments["settings"] = settings_of(run.text("setting"));
  if (run.has("setting") && settings_of(run.text("setting")).empty()) return show_failure(run, {exit_usage, settings_form});
  if (run.has("enable")) arguments["enabled"] = true;
  if (run.has("disable")) arguments["enabled"] = false;
  if (run.has("enable") && run.has("disable")) return show_failure(run, {exit_usage, "say --enable or --disable, not both"});
  if (run.has("mail-login")) {
    if (arguments.size() > 1) return show_failure(run, {exit_usage, "say --mail-login alone"});
    return set_mail_login(run);
  }
  if (arguments.size() == 1)
    return show_failure(run,
                        {exit_usage,
                         "say what to change: --name, --quota, --quota-messages, --protocols, --networks, --hours, --setting, "
                         "--mail-login, --enable, --disable or --when-disabled"});
  return call_and_show(run, "account.set", std::move(arguments), [&](const json::object& result) {
    std::cout << "Account " << run.text("login") << " is changed.\n";
    show_warning(result);
  });
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

void show_list(const char* heading, const json::array& list) {
  if (!list.empty()) std::cout << heading << joined(list) << "\n";
}

void show_account(const json::object& row) {
  const auto text = [&](const char* key) { return std::string(row.at(key).as_string()); };
  const bool enabled = row.at("enabled").as_bool();
  std::cout << text("login") << (text("name").empty() ? "" : "  " + text("name")) << "\n";
  std::cout << "State:         "
            << (enabled ? std::string("active")
                        : std::string("disabled; its mail is ") + (text("when_disabled") == "accept" ? "accepted" : "refused"))
            << "\n";
  std::cout << "Size:          "
            << quota_text(row.at("used_bytes").to_number<std::uint64_t>(), row.at("quota_bytes").to_number<std::uint64_t>())
            << ", " << row.at("used_messages").to_number<std::uint64_t>() << " messages\n";
  std::cout << "May use:       " << rules_text(row) << "\n";
  std::cout << "Mail login:    " << text("mail_login") << ", " << row.at("app_passwords").to_number<std::size_t>()
            << " app passwords\n";
  show_list("Also reads:    ", row.at("aliases").as_array());
  show_list("Groups:        ", row.at("groups").as_array());
  show_list("May send as:   ", row.at("send_as").as_array());
  for (const auto& [name, value] : row.at("settings").as_object()) {
    std::cout << "Setting:       " << std::string_view(name) << " = " << std::string_view(value.as_string()) << "\n";
  }
}

int show(Invocation& run) { return call_and_show(run, "account.show", {{"login", run.text("login")}}, show_account); }

int settings(Invocation& run) {
  return call_and_show(run, "account.settings", {}, [](const json::object& result) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& one : result.at("settings").as_array()) {
      const auto& row = one.as_object();
      const std::string usual(row.at("usual").as_string());
      rows.push_back({std::string(row.at("name").as_string()), std::string(row.at("kind").as_string()),
                      usual.empty() ? "the same for all" : usual, std::string(row.at("help").as_string())});
    }
    print_table({"SETTING", "VALUE", "WITHOUT IT", "MEANING"}, rows, "There are no settings.");
  });
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
       {login_option, name_option, quota_option, quota_messages_option, protocols_option, networks_option, hours_option,
        setting_option, password_stdin_option, hash_option, words_option, app_style_option},
       add},
      {"account set",
       "change an account's settings",
       "postern account set alice@example.org --quota 10GiB",
       {login_option,
        name_option,
        quota_option,
        quota_messages_option,
        protocols_option,
        networks_option,
        hours_option,
        setting_option,
        mail_login_option,
        {"--enable", "let it log in and receive", Option::Kind::flag},
        {"--disable", "stop logins; sessions under way end", Option::Kind::flag},
        {"--when-disabled", "what becomes of mail for a disabled account: accept it, or refuse it (the default)"}},
       set},
      {"account show",
       "show one account: its addresses, groups, rights, rules and settings",
       "postern account show alice@example.org",
       {login_option},
       show},
      {"account settings", "show the names and meanings of all settings", "postern account settings", {}, settings},
      {"account remove",
       "delete an account with all its mail",
       "postern account remove alice@example.org --yes",
       {login_option, {"--yes", "yes, delete the mail too", Option::Kind::flag}},
       remove},
      {"account list", "show accounts and what they use", "postern account list", {}, list},
  };
}

}  // namespace postern::admin::cli
