// SPDX-License-Identifier: Apache-2.0
// postern config check|sample
#include <iostream>

#include "admin/cli/subcommand.h"
#include "admin/json.h"
#include "config/parse.h"
#include "net/tls_context.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

void print_problems(const std::vector<config::Problem>& problems, std::string_view kind) {
  for (const auto& problem : problems) std::cerr << kind << ": " << config::to_string(problem) << "\n";
}

// The certificates that the configuration names, looked at as the server would.
int check_certificates(const config::Tls& tls) {
  std::vector<net::CertificateFiles> pairs;
  if (!tls.certificate.empty()) pairs.push_back({tls.certificate, tls.key});
  for (const auto& sni : tls.sni) pairs.push_back({sni.certificate, sni.key});
  int code = exit_ok;
  for (const auto& pair : pairs) {
    if (const auto info = net::inspect_certificate(pair); !info) {
      std::cerr << "error: " << info.error().text << "\n";
      code = exit_certificate;
    }
  }
  return code;
}

int check(Invocation& run) {
  const auto loaded = config::load(run.config_path);
  if (!loaded) {
    print_problems(loaded.error(), "error");
    std::cerr << run.config_path.string() << ": " << loaded.error().size()
              << (loaded.error().size() == 1 ? " mistake\n" : " mistakes\n");
    return exit_configuration;
  }
  print_problems(loaded->warnings, "warning");
  if (const int code = check_certificates(loaded->config.tls); code != exit_ok) return code;
  if (run.json) {
    std::cout << R"({"ok":true})" << "\n";
  } else {
    std::cout << run.config_path.string() << " is fine.\n";
  }
  return exit_ok;
}

int sample(Invocation&) {
  std::cout << config::sample();
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
