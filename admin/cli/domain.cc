// SPDX-License-Identifier: Apache-2.0
// postern domain add|remove|list
#include <boost/json/array.hpp>
#include <iostream>

#include "admin/cli/output.h"
#include "admin/cli/subcommand.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

int add(Invocation& run) {
  return call_and_show(run, "domain.add", {{"name", run.text("name")}}, [&](const json::object&) {
    std::cout << "Mail for " << run.text("name") << " is accepted now. Add people with: postern account add someone@"
              << run.text("name") << "\n";
  });
}

int remove(Invocation& run) {
  return call_and_show(run, "domain.remove", {{"name", run.text("name")}},
                       [&](const json::object&) { std::cout << run.text("name") << " is gone.\n"; });
}

int list(Invocation& run) {
  return call_and_show(run, "domain.list", {}, [](const json::object& result) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& name : result.at("domains").as_array()) rows.push_back({std::string(name.as_string())});
    print_table({"DOMAIN"}, rows, "No domains yet. Add one with: postern domain add example.org");
  });
}

}  // namespace

std::vector<Subcommand> domain_commands() {
  return {
      {"domain add",
       "accept mail for a domain",
       "postern domain add example.org",
       {{"name", "the domain", Option::Kind::text, true}},
       add},
      {"domain remove",
       "stop accepting mail for a domain that has no accounts and aliases left",
       "postern domain remove example.org",
       {{"name", "the domain", Option::Kind::text, true}},
       remove},
      {"domain list", "show our domains", "postern domain list", {}, list},
  };
}

}  // namespace postern::admin::cli
