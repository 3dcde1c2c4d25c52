// SPDX-License-Identifier: Apache-2.0
#include "daemon/offline.h"

#include "admin/checks.h"
#include "config/parse.h"
#include "daemon/house.h"
#include "daemon/privileges.h"

namespace postern::daemon {

namespace {

class OfflineRemote final : public admin::cli::Remote {
 public:
  explicit OfflineRemote(config::Config config) : config_(std::move(config)), log_(LogLevel::error, stderr_sink()) {}

  Started<void> open() {
    auto sasl = auth::SaslLibrary::start(log_);
    if (!sasl) return cannot_start(sasl.error());
    sasl_ = std::move(*sasl);
    auto archive = open_archive({config_, *sasl_, clock_, log_, metrics_});
    if (!archive) return std::unexpected(archive.error());
    archive_ = std::move(*archive);
    return {};
  }

  ~OfflineRemote() override {
    if (archive_.office) archive_.office->finish();
    if (archive_.ledger) archive_.ledger->close();
    if (archive_.store) archive_.store->close();
  }

  admin::cli::Reply call(std::string_view command, boost::json::object arguments) override {
    if (command == "status" || command == "reload" || command == "stop") {
      return cannot_start(admin::exit_no_answer, "no server is running; start one with: postern serve");
    }
    auto answer = async::run_alone(admin::run_command(
        {*archive_.store, *archive_.directory, *archive_.auth, clock_, config_, *archive_.office, archive_.dkim.get()},
        std::string(command), std::move(arguments)));
    if (!answer) return std::unexpected(Failure{admin::code_for_answer(answer.error().kind), answer.error().text});
    return std::move(*answer);
  }

 private:
  config::Live config_;
  Log log_;
  SystemClock clock_;
  Metrics metrics_;
  std::unique_ptr<auth::SaslLibrary> sasl_;
  Archive archive_;
};

}  // namespace

Started<std::unique_ptr<admin::cli::Remote>> open_offline(const std::filesystem::path& config_path) {
  auto loaded = config::load(config_path);
  if (!loaded) return std::unexpected(admin::configuration_failure(config_path, loaded.error()));
  const auto& server = loaded->config.server;
  harden_process();
  if (auto ready = prepare_data_folder(server.data_dir, server.user, server.group); !ready) return cannot_start(ready.error());
  if (auto dropped = drop_privileges(server.user, server.group); !dropped) return cannot_start(dropped.error());
  auto remote = std::make_unique<OfflineRemote>(std::move(loaded->config));
  if (auto opened = remote->open(); !opened) return std::unexpected(opened.error());
  return remote;
}

}  // namespace postern::daemon
