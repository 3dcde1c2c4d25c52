// SPDX-License-Identifier: Apache-2.0
// postern account forward add|remove|list
#include <boost/json/array.hpp>
#include <iostream>

#include "admin/cli/output.h"
#include "admin/cli/subcommand.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

std::string text_of(const json::object& row, const char* key) { return std::string(row.at(key).as_string()); }

std::string targets_text(const json::object& row) {
  std::string out;
  for (const auto& one : row.at("forwards").as_array()) out += (out.empty() ? "" : ", ") + std::string(one.as_string());
  return out;
}

void show_result(const json::object& row) {
  if (row.at("forwards").as_array().empty()) {
    std::cout << text_of(row, "login") << " forwards nothing now; its mail stays in its mailbox.\n";
    return;
  }
  std::cout << text_of(row, "login") << " forwards to " << targets_text(row)
            << (row.at("copy").as_bool() ? " and keeps a copy.\n" : " and keeps nothing.\n");
}

int add(Invocation& run) {
  json::object arguments{{"login", run.text("login")}, {"address", run.text("address")}};
  if (run.has("keep-copy") && run.has("no-copy"))
    return show_failure(run, {exit_usage, "say --keep-copy or --no-copy, not both"});
  if (run.has("keep-copy")) arguments["copy"] = true;
  if (run.has("no-copy")) arguments["copy"] = false;
  return call_and_show(run, "account.forward_add", std::move(arguments), show_result);
}

int remove(Invocation& run) {
  return call_and_show(run, "account.forward_remove", {{"login", run.text("login")}, {"address", run.text("address")}},
                       show_result);
}

int list(Invocation& run) {
  json::object arguments;
  if (run.has("login")) arguments["login"] = run.text("login");
  return call_and_show(run, "account.forward_list", std::move(arguments), [](const json::object& result) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& one : result.at("accounts").as_array()) {
      const auto& row = one.as_object();
      rows.push_back({text_of(row, "login"), row.at("copy").as_bool() ? "yes" : "no", targets_text(row)});
    }
    print_table({"ACCOUNT", "KEEPS A COPY", "FORWARDS TO"}, rows,
                "Nothing is forwarded. Begin with: postern account forward add alice@example.org alice@example.net");
  });
}

}  // namespace

std::vector<Subcommand> forward_commands() {
  const Option login{"login", "the account's address", Option::Kind::text, true};
  const Option address{"address", "where to: an address elsewhere or of this server", Option::Kind::text, true};
  return {
      {"account forward add",
       "send an account's mail on to another address too",
       "postern account forward add alice@example.org alice@example.net --no-copy",
       {login,
        address,
        {"--keep-copy", "the mailbox keeps a copy (the default); for all addresses of the account", Option::Kind::flag},
        {"--no-copy", "the mailbox keeps nothing", Option::Kind::flag}},
       add},
      {"account forward remove",
       "stop sending an account's mail on to an address",
       "postern account forward remove alice@example.org alice@example.net",
       {login, address},
       remove},
      {"account forward list",
       "show who forwards where to",
       "postern account forward list",
       {{"login", "only this account"}},
       list},
  };
}

}  // namespace postern::admin::cli
