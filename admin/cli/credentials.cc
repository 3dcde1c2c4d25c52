// SPDX-License-Identifier: Apache-2.0
// postern account app-password add|list|revoke, postern account logins
#include <boost/json/array.hpp>
#include <chrono>
#include <iostream>

#include "admin/cli/output.h"
#include "admin/cli/subcommand.h"
#include "admin/cli/time.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

const Option login_option{"login", "the account's address, for example alice@example.org", Option::Kind::text, true};
const Option label_option{"label", "the device or program, for example phone", Option::Kind::text, true};

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

json::array list_of(const std::string& text) {
  json::array out;
  for (std::size_t at = 0; at <= text.size();) {
    const auto comma = std::min(text.find(',', at), text.size());
    if (comma > at) out.emplace_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return out;
}

std::string joined(const json::value& list, std::string_view otherwise) {
  std::string out;
  for (const auto& one : list.as_array()) out += (out.empty() ? "" : ",") + std::string(one.as_string());
  return out.empty() ? std::string(otherwise) : out;
}

std::string text_of(const json::value& object, std::string_view key) { return std::string(object.at(key).as_string()); }

int add(Invocation& run) {
  json::object arguments{{"login", run.text("login")},
                         {"label", run.text("label")},
                         {"protocols", list_of(run.text("protocols"))},
                         {"networks", list_of(run.text("networks"))}};
  if (run.has("expires")) {
    const auto expires = time_ahead(run.text("expires"), now());
    if (!expires) return show_failure(run, {exit_usage, expires.error().text});
    arguments["expires"] = *expires;
  }
  return call_and_show(run, "app_password.add", std::move(arguments), [&](const json::object& result) {
    std::cout << "App password " << run.text("label") << " of " << run.text("login") << ": "
              << std::string_view(result.at("password").as_string())
              << "\nIt is shown only this once. Case, dashes and spaces do not matter when it is typed.\n";
  });
}

int list(Invocation& run) {
  return call_and_show(run, "app_password.list", {{"login", run.text("login")}}, [&](const json::object& result) {
    const auto at = result.at("now").to_number<std::int64_t>();
    std::vector<std::vector<std::string>> rows;
    for (const auto& row : result.at("app_passwords").as_array()) {
      const auto expires = row.at("expires").to_number<std::int64_t>();
      const auto* last = row.as_object().if_contains("last");
      const auto used = last == nullptr ? std::string("never")
                                        : human_time(last->at("at").to_number<std::int64_t>(), at) + ", " +
                                              text_of(*last, "protocol") + " from " + text_of(*last, "ip");
      rows.push_back({text_of(row, "label"), joined(row.at("protocols"), "all"), joined(row.at("networks"), "anywhere"),
                      expires == 0 ? "never" : human_time(expires, at), used});
    }
    print_table({"LABEL", "PROTOCOLS", "FROM", "EXPIRES", "LAST USED"}, rows,
                "No app passwords. Make one with: postern account app-password add " + run.text("login") + " phone");
    if (result.at("mail_login").as_string() == "app-passwords-only") {
      std::cout << "The main password does not work for mail (--mail-login app-passwords-only).\n";
    }
  });
}

int revoke(Invocation& run) {
  return call_and_show(run, "app_password.revoke", {{"login", run.text("login")}, {"label", run.text("label")}},
                       [&](const json::object& result) {
                         const auto sessions = result.at("sessions").to_number<std::uint64_t>();
                         std::cout << "App password " << run.text("label") << " of " << run.text("login") << " works no more.";
                         if (sessions > 0) std::cout << " Sessions ended: " << sessions << ".";
                         std::cout << "\n";
                       });
}

int logins(Invocation& run) {
  json::object arguments;
  if (run.has("login")) arguments["login"] = run.text("login");
  if (run.has("failed")) arguments["failed"] = true;
  if (run.has("limit")) arguments["most"] = std::stoull(run.text("limit"));
  if (run.has("since")) {
    const auto since = time_ago(run.text("since"), now());
    if (!since) return show_failure(run, {exit_usage, since.error().text});
    arguments["since"] = *since;
  }
  return call_and_show(run, "account.logins", std::move(arguments), [](const json::object& result) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& row : result.at("logins").as_array()) {
      const bool good = row.at("outcome").as_string() == "success";
      const auto name = text_of(row, "account");
      rows.push_back({utc_text(row.at("at").to_number<std::int64_t>()), name.empty() ? "(nobody)" : name,
                      text_of(row, "protocol"), text_of(row, "ip"), text_of(row, "mechanism"), good ? "logged in" : "refused",
                      good ? text_of(row, "credential") : text_of(row, "reason")});
    }
    print_table({"TIME (UTC)", "ACCOUNT", "PROTOCOL", "ADDRESS", "MECHANISM", "END", "WITH / WHY"}, rows, "No logins recorded.");
  });
}

}  // namespace

std::vector<Subcommand> credential_commands() {
  return {
      {"account app-password add",
       "make a password for one device; it is shown once",
       "postern account app-password add alice@example.org phone --protocols imap,smtp --expires 365d",
       {login_option,
        label_option,
        {"--protocols", "what it may be used for: imap, pop3, smtp, with commas; without it for all"},
        {"--networks", "from where, for example 192.0.2.0/24,2001:db8::/32; without it from anywhere"},
        {"--expires", "until when: a duration such as 90d or 12h, or a day such as 2027-01-31"}},
       add},
      {"account app-password list",
       "show an account's app passwords and when each was used",
       "postern account app-password list alice@example.org",
       {login_option},
       list},
      {"account app-password revoke",
       "take an app password back; sessions that used it end",
       "postern account app-password revoke alice@example.org phone",
       {login_option, label_option},
       revoke},
      {"account logins",
       "show who logged in when, from where and with what, newest first",
       "postern account logins alice@example.org --failed --since 7d",
       {{"login", "only this account"},
        {"--failed", "only those that were refused", Option::Kind::flag},
        {"--since", "a duration such as 7d or 12h, or a day such as 2027-01-31"},
        {"--limit", "at most so many; 100 without it", Option::Kind::number}},
       logins},
  };
}

}  // namespace postern::admin::cli
