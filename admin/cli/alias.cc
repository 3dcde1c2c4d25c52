// SPDX-License-Identifier: Apache-2.0
// postern alias add|remove|list
#include <boost/json/array.hpp>
#include <iostream>

#include "admin/cli/output.h"
#include "admin/cli/subcommand.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

json::object both(const Invocation& run) { return {{"alias", run.text("alias")}, {"target", run.text("target")}}; }

int add(Invocation& run) {
  return call_and_show(run, "alias.add", both(run), [&](const json::object&) {
    std::cout << run.text("alias") << " now goes to " << run.text("target") << ".\n";
  });
}

int remove(Invocation& run) {
  return call_and_show(run, "alias.remove", both(run), [&](const json::object&) {
    std::cout << run.text("alias") << " no longer goes to " << run.text("target") << ".\n";
  });
}

int list(Invocation& run) {
  return call_and_show(run, "alias.list", {}, [](const json::object& result) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& row : result.at("aliases").as_array()) {
      rows.push_back({std::string(row.at("alias").as_string()), std::string(row.at("target").as_string())});
    }
    print_table({"ALIAS", "TARGET"}, rows, "No aliases yet. Add one with: postern alias add info@example.org alice@example.org");
  });
}

}  // namespace

std::vector<Subcommand> alias_commands() {
  const std::vector<Option> options{{"alias", "the further address", Option::Kind::text, true},
                                    {"target", "an account, another alias, or an address elsewhere", Option::Kind::text, true}};
  return {
      {"alias add", "give an account a further address, or forward one", "postern alias add info@example.org alice@example.org",
       options, add},
      {"alias remove", "take one target of an alias away", "postern alias remove info@example.org alice@example.org", options,
       remove},
      {"alias list", "show all aliases", "postern alias list", {}, list},
  };
}

}  // namespace postern::admin::cli
