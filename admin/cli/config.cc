// SPDX-License-Identifier: Apache-2.0
// postern config check|sample
#include <boost/json/array.hpp>
#include <iostream>

#include "admin/checks.h"
#include "admin/cli/subcommand.h"
#include "admin/json.h"
#include "base/ascii.h"
#include "config/parse.h"
#include "net/tls_context.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

struct Finding {
  std::string text;
  bool is_error = false;
};

// The certificates that the configuration names, looked at as the server would.
int check_certificates(const config::Config& config, std::vector<Finding>& findings) {
  int code = exit_ok;
  std::string_view hostname = config.server.hostname;
  for (const auto& pair : certificate_files(config.tls)) {
    const auto info = net::inspect_certificate(pair);
    if (info) {
      for (auto& text : certificate_warnings(pair.chain, *info, hostname, SystemClock().unix_now())) findings.push_back({text});
    } else {
      findings.push_back({info.error().text, true});
      code = exit_certificate;
    }
    hostname = {};  // the others are for other names
  }
  return code;
}

void show_findings(const Invocation& run, const std::vector<Finding>& findings, int code) {
  json::array errors;
  json::array warnings;
  for (const auto& finding : findings) {
    (finding.is_error ? errors : warnings).emplace_back(finding.text);
    if (!run.json) std::cerr << (finding.is_error ? "error: " : "warning: ") << finding.text << "\n";
  }
  if (run.json) {
    const auto line = to_line({{"ok", code == exit_ok}, {"errors", std::move(errors)}, {"warnings", std::move(warnings)}});
    std::cout << ascii::trim(line) << "\n";
  } else if (code == exit_ok) {
    std::cout << run.config_path.string() << " is fine.\n";
  } else {
    std::cerr << run.config_path.string() << ": " << errors.size() << (errors.size() == 1 ? " mistake\n" : " mistakes\n");
  }
}

int check(Invocation& run) {
  const auto loaded = config::load(run.config_path);
  std::vector<Finding> findings;
  int code = exit_configuration;
  if (loaded) {
    for (const auto& warning : loaded->warnings) findings.push_back({config::to_string(warning)});
    code = check_certificates(loaded->config, findings);
  } else if (std::error_code ignored; !std::filesystem::exists(run.config_path, ignored)) {
    return show_failure(run, configuration_failure(run.config_path, loaded.error()));
  } else {
    for (const auto& problem : loaded.error()) findings.push_back({config::to_string(problem), true});
  }
  show_findings(run, findings, code);
  return code;
}

int sample(Invocation& run) {
  if (run.json) {
    const auto line = to_line({{"sample", config::sample()}});
    std::cout << ascii::trim(line) << "\n";
  } else {
    std::cout << config::sample();
  }
  return exit_ok;
}

}  // namespace

std::vector<Subcommand> config_commands() {
  return {
      {"config check",
       "look for mistakes in the configuration and its certificates",
       "postern --config postern.toml config check",
       {},
       check},
      {"config sample",
       "print the commented configuration with all defaults",
       "postern config sample > postern.toml",
       {},
       sample},
  };
}

}  // namespace postern::admin::cli
