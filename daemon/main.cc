// SPDX-License-Identifier: Apache-2.0
// The one program. `postern serve` is the server; every other subcommand is in admin/cli.
#include "admin/cli/app.h"
#include "daemon/offline.h"
#include "daemon/serve.h"
#include "daemon/signals.h"

namespace {

using postern::admin::cli::Invocation;

std::vector<postern::admin::cli::Subcommand> daemon_commands() {
  return {
      {"serve",
       "run the server in the foreground until SIGTERM or Ctrl-C",
       "postern --config /etc/postern/postern.toml serve",
       {},
       [](Invocation& run) { return postern::daemon::serve(run.config_path); }},
      {"sandbox probe",
       "enter the sandbox, try what it must forbid, and show what came of it",
       "postern --config /etc/postern/postern.toml sandbox probe",
       {},
       [](Invocation& run) { return postern::daemon::show_sandbox_probe(run.config_path, run.json); }},
  };
}

}  // namespace

int main(int argc, char** argv) {
  postern::daemon::block_signals();
  return postern::admin::cli::run(
      argc, argv, {.extra = daemon_commands(), .offline = postern::daemon::open_offline, .version = POSTERN_VERSION});
}
