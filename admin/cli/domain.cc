// SPDX-License-Identifier: Apache-2.0
// postern domain add|set|remove|list
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

const Option quota_option{"--quota", "most that all accounts of the domain may hold together; 0 for no limit",
                          Option::Kind::size};
const Option messages_option{"--quota-messages", "the same, counted in messages", Option::Kind::number};
const Option account_quota_option{"--account-quota", "given to new accounts; 0: what the configuration says", Option::Kind::size};
const Option account_messages_option{"--account-quota-messages", "the same, counted in messages", Option::Kind::number};

int set(Invocation& run) {
  json::object arguments{{"name", run.text("name")}};
  for (const std::string name : {"quota", "account-quota"}) {
    if (run.has(name)) arguments[name == "quota" ? "quota_bytes" : "account_quota_bytes"] = std::stoull(run.text(name));
  }
  for (const std::string name : {"quota-messages", "account-quota-messages"}) {
    if (run.has(name))
      arguments[name == "quota-messages" ? "quota_messages" : "account_quota_messages"] = std::stoull(run.text(name));
  }
  for (const std::string name : {"alias-of", "catch-all"}) {
    if (!run.has(name)) continue;
    arguments[name == "alias-of" ? "alias_of" : "catch_all"] = run.text(name) == "none" ? std::string() : run.text(name);
  }
  if (arguments.size() == 1) {
    return show_failure(run, {exit_usage,
                              "say what to change: --alias-of, --catch-all, --quota, --quota-messages, --account-quota, "
                              "--account-quota-messages"});
  }
  return call_and_show(run, "domain.set", std::move(arguments),
                       [&](const json::object&) { std::cout << run.text("name") << " is changed.\n"; });
}

std::string use_text(const json::object& row) {
  const auto used = row.at("used_bytes").to_number<std::uint64_t>();
  const auto limit = row.at("quota_bytes").to_number<std::uint64_t>();
  return limit == 0 ? human_size(used) : human_size(used) + " of " + human_size(limit);
}

int list(Invocation& run) {
  return call_and_show(run, "domain.list", {}, [](const json::object& result) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& one : result.at("domains").as_array()) {
      const auto& row = one.as_object();
      const std::string alias_of(row.at("alias_of").as_string());
      const std::string catch_all(row.at("catch_all").as_string());
      rows.push_back({std::string(row.at("name").as_string()), use_text(row),
                      !alias_of.empty()    ? "the same as " + alias_of
                      : !catch_all.empty() ? "unknown addresses go to " + catch_all
                                           : std::string()});
    }
    print_table({"DOMAIN", "USED", "MAIL"}, rows, "No domains yet. Add one with: postern domain add example.org");
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
      {"domain set",
       "change a domain: alias of another, catch-all, what it and its new accounts may keep",
       "postern domain set example.net --alias-of example.org",
       {{"name", "the domain", Option::Kind::text, true},
        {"--alias-of", "a domain of ours that has all its addresses; none for a domain of its own"},
        {"--catch-all", "the address that gets what no other takes; none to refuse such mail"},
        quota_option,
        messages_option,
        account_quota_option,
        account_messages_option},
       set},
      {"domain remove",
       "stop accepting mail for a domain that has no accounts and aliases left",
       "postern domain remove example.org",
       {{"name", "the domain", Option::Kind::text, true}},
       remove},
      {"domain list", "show our domains", "postern domain list", {}, list},
  };
}

}  // namespace postern::admin::cli
