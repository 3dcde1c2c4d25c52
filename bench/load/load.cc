// SPDX-License-Identifier: Apache-2.0
// postern_load: one program with a subcommand for each kind of load. See bench/README.md.
#include <fmt/core.h>
#include <signal.h>

#include <array>
#include <cstdio>
#include <string_view>

#include "bench/load/commands.h"

namespace {

using postern::bench::Options;

struct Subcommand {
  std::string_view name;
  int (*run)(const Options&);
  std::string_view help;
};

constexpr std::array subcommands = {
    Subcommand{"smtp", postern::bench::run_smtp,
               "--port P [--connections 20 --messages 2000 --per-connection 1 --size 10240 --tls | --starttls --user PATTERN\n"
               "         --password W --users K --from ADDRESS --rcpt PATTERN --rcpts K --per-message 1 --no-pipelining]"},
    Subcommand{"sink", postern::bench::run_sink, "--port P [--messages N --certificate F --key F]"},
    Subcommand{"login", postern::bench::run_login,
               "--port P --user PATTERN --password W [--users K --connections 20 --logins 1000]"},
    Subcommand{"idle", postern::bench::run_idle, "--port P --user PATTERN --password W [--users K --connections 100]"},
    Subcommand{"imap", postern::bench::run_imap,
               "--port P --user U --password W [--fill N --size S --repeat R] --step 'name=COMMAND' …\n"
               "         (COMMAND may be !append N or !multiappend N)"},
    Subcommand{"mixed", postern::bench::run_mixed,
               "--port P --user PATTERN --password W [--users K --first N --connections 50 --commands 10000]"},
    Subcommand{"pop", postern::bench::run_pop, "--port P --user PATTERN --password W [--connections 1 --depth 1 --delete]"},
    Subcommand{"count", postern::bench::run_count, "--port P --user PATTERN --password W --users K --each N [--patience 60]"},
    Subcommand{"crowd", postern::bench::run_crowd,
               "--port IMAPS --smtp-port P --user U --password W [--connections 100 --messages 20]"},
    Subcommand{"notify", postern::bench::run_notify, "--port IMAPS --smtp-port P --user U --password W [--messages 100]"},
};

int usage() {
  fmt::print(stderr, "postern_load SUBCOMMAND [--host 127.0.0.1] …; a PATTERN holds one %d, which counts from 0 to K-1\n");
  for (const auto& subcommand : subcommands) fmt::print(stderr, "  {:6} {}\n", subcommand.name, subcommand.help);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  const std::string_view name = argc > 1 ? argv[1] : "";
  for (const auto& subcommand : subcommands) {
    if (subcommand.name == name) return subcommand.run(Options(argc, argv, 2));
  }
  return usage();
}
