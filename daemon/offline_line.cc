// SPDX-License-Identifier: Apache-2.0
#include "daemon/offline_line.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>

#include "admin/checks.h"
#include "admin/control.h"
#include "admin/json.h"
#include "config/parse.h"
#include "daemon/house.h"
#include "daemon/privileges.h"

namespace postern::daemon {

namespace {

/// What the child has open.
struct Opened {
  explicit Opened(config::Config config) : live(std::move(config)), log(LogLevel::error, stderr_sink()) {}
  ~Opened() {
    if (archive.office) archive.office->finish();
    if (archive.ledger) archive.ledger->close();
    if (archive.store) archive.store->close();
  }
  config::Live live;
  Log log;
  SystemClock clock;
  Metrics metrics;
  std::unique_ptr<auth::SaslLibrary> sasl;
  Archive archive;
};

Started<std::unique_ptr<Opened>> open_store(const std::filesystem::path& config_path) {
  auto loaded = config::load(config_path);
  if (!loaded) return std::unexpected(admin::configuration_failure(config_path, loaded.error()));
  const auto& server = loaded->config.server;
  harden_process();
  if (auto ready = prepare_data_folder(server.data_dir, server.user, server.group); !ready) return cannot_start(ready.error());
  if (auto dropped = drop_privileges(server.user, server.group); !dropped) return cannot_start(dropped.error());
  auto opened = std::make_unique<Opened>(std::move(loaded->config));
  auto sasl = auth::SaslLibrary::start(opened->log);
  if (!sasl) return cannot_start(sasl.error());
  opened->sasl = std::move(*sasl);
  auto archive = open_archive({opened->live, *opened->sasl, opened->clock, opened->log, opened->metrics});
  if (!archive) return std::unexpected(archive.error());
  opened->archive = std::move(*archive);
  return opened;
}

async::Task<> converse(Opened* opened, UniqueFd socket) {
  net::Connection peer(net::make_socket_stream(co_await async::this_executor(), std::move(socket)), {});
  const auto& archive = opened->archive;
  const admin::ServerCommands none;
  co_await admin::serve_peer(
      {*archive.store, *archive.directory, *archive.auth, opened->clock, opened->live, *archive.office, archive.dkim.get()}, none,
      opened->log, peer);
}

/// Answers the first request with the reason.
async::Task<> refuse(Failure failure, UniqueFd socket) {
  net::Connection peer(net::make_socket_stream(co_await async::this_executor(), std::move(socket)), {});
  if (!co_await peer.read_line(admin::max_control_line)) co_return;
  (void)co_await peer.write(
      admin::to_line({{"ok", false}, {"error", failure.text}, {"exit_code", static_cast<int>(failure.code)}}));
  co_await peer.close_gracefully();
}

void run_child(const std::filesystem::path& config_path, UniqueFd socket) {
  auto opened = open_store(config_path);
  if (!opened) return async::run_alone(refuse(opened.error(), std::move(socket)));
  async::run_alone(converse(opened->get(), std::move(socket)));
}

}  // namespace

admin::cli::LineResult open_offline_line(const std::filesystem::path& config_path) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return cannot_start(errno_error("socketpair", errno));
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  std::cout.flush();
  std::cerr.flush();
  const pid_t child = ::fork();
  if (child < 0) return cannot_start(errno_error("fork", errno));
  if (child == 0) {
    ours.reset();
    int code = admin::exit_ok;
    try {
      run_child(config_path, std::move(theirs));
    } catch (const std::exception& error) {
      std::cerr << "postern: " << error.what() << "\n";
      code = admin::exit_internal;
    }
    ::_exit(code);
  }
  return std::make_unique<admin::cli::ControlLine>(std::move(ours), child);
}

}  // namespace postern::daemon
