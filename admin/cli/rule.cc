// SPDX-License-Identifier: Apache-2.0
// postern rule list|add|remove: the gate of the running server.
#include <boost/json/array.hpp>
#include <ctime>
#include <iostream>

#include "admin/cli/output.h"
#include "admin/cli/subcommand.h"
#include "admin/cli/time.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

std::string text_of(const json::value& value) { return std::string(value.as_string()); }

void show_entries(const json::object& result) {
  const auto now = result.at("now").to_number<std::int64_t>();
  std::vector<std::vector<std::string>> rows;
  for (const auto& entry : result.at("entries").as_array()) {
    const auto until = entry.at("until").to_number<std::int64_t>();
    rows.push_back({text_of(entry.at("kind")), text_of(entry.at("subject")),
                    human_time(entry.at("since").to_number<std::int64_t>(), now),
                    until == 0 ? "for good" : human_time(until, now), text_of(entry.at("note"))});
  }
  print_table({"ENTRY", "SUBJECT", "SINCE", "UNTIL", "NOTE"}, rows, "Our own list is empty.");
}

void show_list(const json::object& result) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& rule : result.at("rules").as_array()) {
    const auto idle = text_of(rule.at("idle"));
    rows.push_back(
        {text_of(rule.at("name")), text_of(rule.at("setting")) + (idle.empty() ? "" : ", " + idle), text_of(rule.at("about"))});
  }
  print_table({"RULE", "SETTING", "FINDS"}, rows, "");
  std::cout << "\n";
  show_entries(result);
}

int list(Invocation& run) { return call_and_show(run, "rule.list", {}, show_list); }

int add(Invocation& run) {
  json::object arguments{{"kind", run.text("kind")}, {"subject", run.text("subject")}, {"note", run.text("note")}};
  if (run.has("for")) {
    const auto until = time_ahead(run.text("for"), std::time(nullptr));
    if (!until) return show_failure(run, {exit_usage, "--for: " + until.error().text});
    arguments["until"] = *until;
  }
  return call_and_show(run, "rule.add", std::move(arguments), [](const json::object& result) {
    std::cout << (text_of(result.at("kind")) == "allow" ? "Allowed: " : "Blocked: ") << text_of(result.at("subject")) << "\n";
  });
}

int remove(Invocation& run) {
  return call_and_show(run, "rule.remove", {{"subject", run.text("subject")}},
                       [&run](const json::object&) { std::cout << run.text("subject") << " is no longer on our list.\n"; });
}

}  // namespace

std::vector<Subcommand> rule_commands() {
  return {
      {"rule list", "show what each rule of port 25 is set to, and our own list", "postern rule list", {}, list},
      {"rule add",
       "put somebody on our own list",
       "postern rule add block 192.0.2.0/24 --for 7d --note \"floods us\"",
       {{"kind", "\"allow\" (rules only note what they find) or \"block\"", Option::Kind::text, true},
        {"subject", "192.0.2.0/24, example.org, .example.org, eve@example.org or to:alice@example.org", Option::Kind::text, true},
        {"--for", "how long: 30m, 12h, 7d, or the last day, 2027-01-31; without it for good"},
        {"--note", "why, for whoever reads the list later"}},
       add},
      {"rule remove",
       "take somebody off our own list",
       "postern rule remove 192.0.2.0/24",
       {{"subject", "as shown by `postern rule list`", Option::Kind::text, true}},
       remove},
  };
}

}  // namespace postern::admin::cli
