// SPDX-License-Identifier: Apache-2.0
// postern status|reload|stop: about the running server.
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <iostream>

#include "admin/cli/output.h"
#include "admin/cli/subcommand.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

int status(Invocation& run) {
  return call_and_show(run, "status", {}, [](const json::object& result) {
    for (const auto& [key, value] : result) {
      std::cout << fmt::format("{:<16}", std::string_view(key))
                << (value.is_string() ? std::string(value.as_string()) : json::serialize(value)) << "\n";
    }
  });
}

int reload(Invocation& run) {
  return call_and_show(run, "reload", {}, [](const json::object& result) {
    std::cout << "Configuration and certificates are loaded again.\n";
    for (const auto& key : result.at("restart_needed").as_array()) {
      std::cout << "Takes effect at the next start: " << std::string_view(key.as_string()) << "\n";
    }
  });
}

int stop(Invocation& run) {
  return call_and_show(run, "stop", {}, [](const json::object&) { std::cout << "The server is stopping.\n"; });
}

}  // namespace

std::vector<Subcommand> server_commands() {
  return {
      {"status", "what the running server is doing", "postern status --json", {}, status},
      {"reload", "read configuration and certificates again without a break", "postern reload", {}, reload},
      {"stop", "stop the running server gracefully", "postern stop", {}, stop},
  };
}

}  // namespace postern::admin::cli
