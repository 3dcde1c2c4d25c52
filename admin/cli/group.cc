// SPDX-License-Identifier: Apache-2.0
// postern group add|set|remove|list|member
#include <iostream>

#include "admin/cli/output.h"
#include "admin/cli/rules.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

const Option name_option{"name", "the group, for example staff", Option::Kind::text, true};
const Option login_option{"login", "the account's address", Option::Kind::text, true};
const Option address_option{"--address", "mail for this address comes to all members; none for no address"};
const Option senders_option{"--senders", "who may write to that address: anyone, inside (people of this server), members"};

json::object arguments_of(const Invocation& run) {
  json::object arguments{{"name", run.text("name")}};
  if (run.has("address")) arguments["address"] = run.text("address") == "none" ? std::string() : run.text("address");
  if (run.has("senders")) arguments["senders"] = run.text("senders");
  add_rules(run, arguments);
  return arguments;
}

int add(Invocation& run) {
  return call_and_show(run, "group.add", arguments_of(run), [&](const json::object&) {
    std::cout << "The group " << run.text("name") << " exists now. Add people with: postern group member add " << run.text("name")
              << " alice@example.org\n";
  });
}

int set(Invocation& run) {
  auto arguments = arguments_of(run);
  if (arguments.size() == 1) {
    return show_failure(run, {exit_usage, "say what to change: --address, --senders, --protocols, --networks or --hours"});
  }
  return call_and_show(run, "group.set", std::move(arguments),
                       [&](const json::object&) { std::cout << "The group " << run.text("name") << " is changed.\n"; });
}

int remove(Invocation& run) {
  return call_and_show(run, "group.remove", {{"name", run.text("name")}}, [&](const json::object&) {
    std::cout << "The group " << run.text("name") << " is gone; its members stay as they are, without its rules.\n";
  });
}

int list(Invocation& run) {
  return call_and_show(run, "group.list", {}, [](const json::object& result) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& one : result.at("groups").as_array()) {
      const auto& row = one.as_object();
      const bool mail = !row.at("address").as_string().empty();
      rows.push_back({std::string(row.at("name").as_string()), std::string(row.at("address").as_string()),
                      mail ? std::string(row.at("senders").as_string()) : std::string(), rules_text(row),
                      joined(row.at("members").as_array())});
    }
    print_table({"GROUP", "ADDRESS", "SENDERS", "MAY USE", "MEMBERS"}, rows,
                "No groups yet. Add one with: postern group add staff");
  });
}

int member_add(Invocation& run) {
  return call_and_show(run, "group.member_add", {{"name", run.text("name")}, {"login", run.text("login")}},
                       [&](const json::object& result) {
                         std::cout << run.text("login") << " is a member of " << run.text("name") << " now, one of "
                                   << result.at("members").to_number<std::size_t>() << ".\n";
                       });
}

int member_remove(Invocation& run) {
  return call_and_show(
      run, "group.member_remove", {{"name", run.text("name")}, {"login", run.text("login")}},
      [&](const json::object&) { std::cout << run.text("login") << " is no member of " << run.text("name") << " any more.\n"; });
}

}  // namespace

std::vector<Subcommand> group_commands() {
  return {
      {"group add",
       "make a group: access rules for its members, and an address for all of them",
       "postern group add staff --address staff@example.org --senders inside --hours 'mon-fri 07:00-19:00'",
       {name_option, address_option, senders_option, protocols_option, networks_option, hours_option},
       add},
      {"group set",
       "change a group; what is not named stays",
       "postern group set staff --senders members",
       {name_option, address_option, senders_option, protocols_option, networks_option, hours_option},
       set},
      {"group remove", "remove a group, not its members", "postern group remove staff", {name_option}, remove},
      {"group list", "show groups, their rules and members", "postern group list", {}, list},
      {"group member add",
       "put an account into a group",
       "postern group member add staff alice@example.org",
       {name_option, login_option},
       member_add},
      {"group member remove",
       "take an account out of a group",
       "postern group member remove staff alice@example.org",
       {name_option, login_option},
       member_remove},
  };
}

}  // namespace postern::admin::cli
