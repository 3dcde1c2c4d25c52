// SPDX-License-Identifier: Apache-2.0
// The one program. `postern serve` is the server; every other subcommand is in admin/cli.
#include <array>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "admin/cli/app.h"
#include "admin/cli/breach.h"
#include "daemon/offline.h"
#include "daemon/offline_line.h"
#include "daemon/privileges.h"
#include "daemon/sendmail.h"
#include "daemon/serve.h"
#include "daemon/signals.h"

namespace {

using postern::admin::cli::Invocation;

/// For commands that work on the data folder's files beside a running server.
postern::Result<> become_owner(const postern::config::Server& server) {
  postern::daemon::harden_process();
  if (auto ready = postern::daemon::prepare_data_folder(server.data_dir, server.user, server.group); !ready) return ready;
  return postern::daemon::drop_privileges(server.user, server.group);
}

std::vector<postern::admin::cli::Subcommand> daemon_commands() {
  std::vector<postern::admin::cli::Subcommand> rows{
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
  for (auto& row : postern::admin::cli::breach_commands(become_owner)) rows.push_back(std::move(row));
  return rows;
}

int list_queue() {
  std::array<std::string, 3> words{"postern", "queue", "list"};
  std::array<char*, 4> arguments{words[0].data(), words[1].data(), words[2].data(), nullptr};
  return postern::admin::cli::run(3, arguments.data(), {.version = POSTERN_VERSION});
}

/// The name this program was called by, or "sendmail" for `postern sendmail`; then the words behind it.
std::optional<int> as_sendmail(std::span<char*> arguments) {
  if (arguments.empty()) return std::nullopt;
  std::string program = std::filesystem::path(arguments.front()).filename();
  std::size_t first = 1;
  if (!postern::daemon::is_sendmail_name(program)) {
    if (arguments.size() < 2 || std::string_view(arguments[1]) != "sendmail") return std::nullopt;
    program = "sendmail";
    first = 2;
  }
  const auto behind = arguments.subspan(first);
  return postern::daemon::run_sendmail(program, std::vector<std::string>(behind.begin(), behind.end()), list_queue);
}

}  // namespace

int main(int argc, char** argv) {
  postern::daemon::block_signals();
  if (const auto code = as_sendmail(std::span(argv, static_cast<std::size_t>(argc)))) return *code;
  return postern::admin::cli::run(argc, argv,
                                  {.extra = daemon_commands(),
                                   .offline = postern::daemon::open_offline,
                                   .version = POSTERN_VERSION,
                                   .offline_line = postern::daemon::open_offline_line});
}
