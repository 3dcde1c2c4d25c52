// SPDX-License-Identifier: Apache-2.0
// postern account grant-send-as|revoke-send-as|send-as and postern address explain
#include <iostream>

#include "admin/cli/output.h"
#include "admin/cli/rules.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

const Option login_option{"login", "the account's address", Option::Kind::text, true};
const Option right_option{"address", "an address, or @example.org for all of a domain", Option::Kind::text, true};

json::object both(const Invocation& run) { return {{"login", run.text("login")}, {"address", run.text("address")}}; }

int add(Invocation& run) {
  return call_and_show(run, "send_as.add", both(run), [&](const json::object& result) {
    std::cout << run.text("login") << " may send as " << std::string_view(result.at("address").as_string()) << " now.\n";
    if (result.at("ours").as_bool()) return;
    std::cout << "That is not a domain of this server: what is sent so may fail the other domain's SPF and DMARC.\n";
  });
}

int remove(Invocation& run) {
  return call_and_show(run, "send_as.remove", both(run), [&](const json::object& result) {
    std::cout << run.text("login") << " may no longer send as " << std::string_view(result.at("address").as_string()) << ".\n";
  });
}

int list(Invocation& run) {
  json::object arguments;
  if (run.has("login")) arguments["login"] = run.text("login");
  return call_and_show(run, "send_as.list", std::move(arguments), [](const json::object& result) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& row : result.at("send_as").as_array()) {
      rows.push_back({std::string(row.at("login").as_string()), std::string(row.at("address").as_string())});
    }
    print_table(
        {"ACCOUNT", "MAY SEND AS"}, rows,
        "Nobody may send as anything but the own addresses. Grant a right with: postern account grant-send-as alice@example.org "
        "info@example.org");
  });
}

void show_end(const json::object& result) {
  if (!result.at("accepted").as_bool()) {
    std::cout << "Refused: " << std::string_view(result.at("reply").as_string()) << "\n";
    return;
  }
  for (const auto& one : result.at("mailboxes").as_array()) {
    const auto& row = one.as_object();
    const std::string_view detail = row.at("detail").as_string();
    std::cout << (row.at("takes_mail").as_bool() ? "Delivered to " : "Not delivered to ")
              << std::string_view(row.at("login").as_string());
    if (!detail.empty()) std::cout << ", with the detail \"" << detail << "\"";
    if (!row.at("takes_mail").as_bool()) std::cout << ": the account is disabled";
    if (row.at("full").as_bool()) std::cout << ", which is full: refused for now";
    std::cout << "\n";
  }
  for (const auto& one : result.at("forwards").as_array())
    std::cout << "Forwarded to " << std::string_view(one.as_string()) << "\n";
}

int explain(Invocation& run) {
  json::object arguments{{"address", run.text("address")}};
  if (run.has("from")) arguments["from"] = run.text("from");
  return call_and_show(run, "address.explain", std::move(arguments), [](const json::object& result) {
    for (const auto& one : result.at("steps").as_array()) {
      const auto& step = one.as_object();
      std::cout << std::string(2 * step.at("depth").to_number<std::size_t>(), ' ')
                << std::string_view(step.at("address").as_string()) << ": " << std::string_view(step.at("text").as_string())
                << "\n";
    }
    show_end(result);
  });
}

}  // namespace

std::vector<Subcommand> address_commands() {
  return {
      {"account grant-send-as",
       "let an account send with an address that is not its own",
       "postern account grant-send-as alice@example.org info@example.org",
       {login_option, right_option},
       add},
      {"account revoke-send-as",
       "take such a right back",
       "postern account revoke-send-as alice@example.org info@example.org",
       {login_option, right_option},
       remove},
      {"account send-as",
       "show who may send as whom; the own addresses are not listed",
       "postern account send-as",
       {{"login", "only of this account"}},
       list},
      {"address explain",
       "show where mail for an address would go, step by step, and why",
       "postern address explain info+news@example.org --from alice@example.org",
       {{"address", "any address", Option::Kind::text, true},
        {"--from", "who writes: an account, or inside for a machine of a trusted network; without it a stranger"}},
       explain},
  };
}

}  // namespace postern::admin::cli
