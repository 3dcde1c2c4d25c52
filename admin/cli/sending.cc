// SPDX-License-Identifier: Apache-2.0
// postern account suspended|resume: accounts that wanted to send too much.
#include <boost/json/array.hpp>
#include <iostream>

#include "admin/cli/output.h"
#include "admin/cli/subcommand.h"
#include "admin/cli/time.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

std::string text_of(const json::value& value) { return std::string(value.as_string()); }

int suspended(Invocation& run) {
  return call_and_show(run, "account.suspended", {}, [](const json::object& result) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& one : result.at("accounts").as_array()) {
      const auto until = one.at("until").to_number<std::int64_t>();
      rows.push_back({text_of(one.at("login")), utc_text(one.at("since").to_number<std::int64_t>()),
                      until == 0 ? "resumed by hand" : utc_text(until), text_of(one.at("reason"))});
    }
    print_table({"ACCOUNT", "SINCE (UTC)", "UNTIL", "WANTED TO SEND"}, rows, "Nobody is suspended.");
  });
}

int resume(Invocation& run) {
  return call_and_show(run, "account.resume", {{"login", run.text("login")}}, [](const json::object& result) {
    std::cout << text_of(result.at("login")) << " may send again, with a fresh hour and day.\n";
  });
}

}  // namespace

std::vector<Subcommand> sending_commands() {
  return {
      {"account suspended", "show whose sending is suspended, and why", "postern account suspended", {}, suspended},
      {"account resume",
       "let an account send again that wanted to send too much",
       "postern account resume alice@example.org",
       {{"login", "the account", Option::Kind::text, true}},
       resume},
  };
}

}  // namespace postern::admin::cli
