// SPDX-License-Identifier: Apache-2.0
#include "daemon/serve.h"

#include <boost/json/array.hpp>
#include <iostream>

#include "admin/control.h"
#include "admin/json.h"
#include "config/parse.h"
#include "daemon/house.h"
#include "daemon/privileges.h"
#include "daemon/services.h"
#include "daemon/signals.h"

namespace postern::daemon {

namespace {

constexpr std::chrono::seconds sessions_gentle{10};  ///< for sessions to finish what they do and say goodbye
constexpr std::chrono::seconds sessions_hard{5};     ///< after they were cancelled

int complain(const Failure& failure) {
  std::cerr << "postern: " << failure.text << "\n";
  return failure.code;
}

Started<config::Config> load_config(const std::filesystem::path& path) {
  auto loaded = config::load(path);
  if (!loaded)
    return cannot_start(admin::exit_configuration, path.string() + " has mistakes:\n" + config::to_string(loaded.error()));
  for (const auto& warning : loaded->warnings) std::cerr << "postern: warning: " << config::to_string(warning) << "\n";
  return std::move(loaded->config);
}

Started<void> give_up_rights(const config::Config& config, const std::filesystem::path& config_path, Log& log) {
  if (auto dropped = drop_privileges(config.server.user, config.server.group); !dropped) return cannot_start(dropped.error());
#ifdef POSTERN_SANITIZED
  log.warning("daemon", "no sandbox", {{"why", "sanitizer build"}});
  (void)config_path;
#else
  if (config.server.sandbox == config::Sandbox::off) {
    log.warning("daemon", "no sandbox", {{"why", "[server] sandbox is off"}});
    return {};
  }
  auto entered = enter_sandbox(sandbox_paths(config, config_path));
  if (!entered) return cannot_start(admin::exit_rights, entered.error().text + "; [server] sandbox = \"off\" runs without");
  log.info("daemon", "sandboxed", {{"by", *entered}});
#endif
  return {};
}

/// The running server behind the signal loop.
class Server {
 public:
  Server(config::Config config, std::filesystem::path config_path)
      : config_path_(std::move(config_path)), log_(config.server.log_level, stderr_sink()), config_(std::move(config)) {}

  int run();

 private:
  Started<void> start();
  void stop();
  void register_commands();
  Result<std::vector<std::string>> reload();
  async::Task<admin::Answer> status(admin::Arguments arguments);
  async::Task<admin::Answer> reload_by_command(admin::Arguments arguments);
  async::Task<admin::Answer> stop_by_command(admin::Arguments arguments);

  std::filesystem::path config_path_;
  SystemClock clock_;
  Metrics metrics_;
  Log log_;
  config::Live config_;
  UnixTime started_ = 0;
  std::unique_ptr<auth::SaslLibrary> sasl_;
  std::unique_ptr<async::Runtime> runtime_;
  std::unique_ptr<House> house_;
  std::unique_ptr<async::TaskGroup> tasks_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<admin::Control> control_;
};

Started<void> Server::start() {
  const auto config = config_.get();
  harden_process();
  // While we may still be root: ports, the data folder, libraries that load plug-ins.
  auto sockets = bind_sockets(config->listen);
  if (!sockets) return std::unexpected(sockets.error());
  if (auto ready = prepare_data_folder(config->server.data_dir, config->server.user, config->server.group); !ready) {
    return cannot_start(ready.error());
  }
  auto sasl = auth::SaslLibrary::start(log_);
  if (!sasl) return cannot_start(sasl.error());
  sasl_ = std::move(*sasl);
  if (auto given_up = give_up_rights(*config, config_path_, log_); !given_up) return given_up;

  // From here on as an ordinary, sandboxed user; threads start only now, so that all are inside.
  runtime_ = std::make_unique<async::Runtime>(config->server.threads);
  runtime_->start();
  const Ground ground{config_, *sasl_, clock_, log_, metrics_};
  auto house = House::open(ground, *runtime_);
  if (!house) return std::unexpected(house.error());
  house_ = std::move(*house);
  tasks_ = std::make_unique<async::TaskGroup>(log_, "sessions");
  auto services = Services::open({ground, *house_, *runtime_, *tasks_}, std::move(*sockets));
  if (!services) return std::unexpected(services.error());
  services_ = std::move(*services);
  auto& archive = house_->archive();
  control_ = std::make_unique<admin::Control>(admin::Context{*archive.store, *archive.directory, *archive.auth, clock_, config_},
                                              *tasks_, log_);
  register_commands();
  if (auto open = control_->start(config->server.control(), runtime_->executor(0)); !open) return cannot_start(open.error());
  started_ = clock_.unix_now();
  return {};
}

void Server::stop() {
  if (services_) services_->stop_accepting();
  if (tasks_ && !tasks_->stop_and_join(sessions_gentle, sessions_hard))
    log_.warning("daemon", "some sessions did not end in time");
  if (house_) house_->close();
  if (runtime_) runtime_->stop();
  control_.reset();
  services_.reset();
  tasks_.reset();
  house_.reset();
  runtime_.reset();
}

int Server::run() {
  if (auto started = start(); !started) {
    const int code = complain(started.error());
    stop();
    return code;
  }
  log_.info("daemon", "ready", {{"hostname", config_.get()->server.hostname}, {"data", config_.get()->server.data_dir.string()}});
  notify_systemd("READY=1");
  for (auto signal = wait_for_signal(); signal != Signal::stop; signal = wait_for_signal()) {
    if (signal == Signal::reload) reload();
  }
  notify_systemd("STOPPING=1");
  log_.info("daemon", "stopping");
  stop();
  log_.info("daemon", "stopped");
  return admin::exit_ok;
}

// After an error everything stays as it was.
Result<std::vector<std::string>> Server::reload() {
  auto loaded = config::load(config_path_);
  if (!loaded) {
    const auto text = config::to_string(loaded.error());
    log_.error("daemon", "configuration not reloaded", {{"problems", text}});
    return fail(ErrorKind::invalid, config_path_.string() + " has mistakes; nothing was changed:\n" + text);
  }
  const auto before = config_.get();
  auto restart = config::restart_needed(*before, loaded->config);
  config_.replace(std::move(loaded->config));
  if (auto renewed = services_->reload(); !renewed) {
    log_.error("daemon", "certificates not reloaded", {{"error", renewed.error().text}});
    return std::unexpected(renewed.error());
  }
  log_.set_level(config_.get()->server.log_level);
  log_.info("daemon", "reloaded", {{"restart_needed", restart.size()}});
  return restart;
}

void Server::register_commands() {
  control_->add("status", [this](admin::Arguments arguments) { return status(std::move(arguments)); });
  control_->add("reload", [this](admin::Arguments arguments) { return reload_by_command(std::move(arguments)); });
  control_->add("stop", [this](admin::Arguments arguments) { return stop_by_command(std::move(arguments)); });
}

async::Task<admin::Answer> Server::status(admin::Arguments) {
  boost::json::object connections;
  for (const auto& [name, count] : services_->connections()) connections[name] = count;
  const auto table = house_->archive().directory->table();
  co_return boost::json::object{{"version", POSTERN_VERSION},
                                {"hostname", config_.get()->server.hostname},
                                {"uptime_seconds", clock_.unix_now() - started_},
                                {"accounts", table->accounts.size()},
                                {"domains", table->domains.size()},
                                {"queue", house_->archive().store->queue().depth()},
                                {"connections", std::move(connections)}};
}

async::Task<admin::Answer> Server::reload_by_command(admin::Arguments) {
  auto restart = reload();
  if (!restart) co_return std::unexpected(restart.error());
  boost::json::array keys;
  for (const auto& key : *restart) keys.emplace_back(key);
  co_return boost::json::object{{"restart_needed", std::move(keys)}};
}

async::Task<admin::Answer> Server::stop_by_command(admin::Arguments) {
  request_stop_by_signal();
  co_return boost::json::object();
}

}  // namespace

SandboxPaths sandbox_paths(const config::Config& config, const std::filesystem::path& config_path) {
  SandboxPaths paths;
  paths.read_write = {config.server.data_dir};
  if (const auto folder = config.server.control().parent_path(); folder != config.server.data_dir)
    paths.read_write.push_back(folder);
  // Folders, not files: certificates and configuration are renewed by renaming.
  for (const auto& file : {config.tls.certificate, config.tls.key, config_path, config.outbound.smart_host_password_file}) {
    if (!file.empty()) paths.read_only.push_back(std::filesystem::absolute(file).parent_path());
  }
  for (const auto& sni : config.tls.sni) {
    paths.read_only.push_back(sni.certificate.parent_path());
    paths.read_only.push_back(sni.key.parent_path());
  }
  for (const auto* path : {"/etc/ssl", "/usr/share/ca-certificates", "/etc/resolv.conf", "/etc/hosts", "/etc/localtime",
                           "/usr/share/zoneinfo", "/dev/urandom", "/proc/self", "/proc/sys/kernel/random"}) {
    paths.read_only.emplace_back(path);
  }
  if (!config.dns.trust_anchor_file.empty()) paths.read_only.push_back(config.dns.trust_anchor_file);
  return paths;
}

int serve(const std::filesystem::path& config_path) {
  auto config = load_config(config_path);
  if (!config) return complain(config.error());
  return Server(std::move(*config), config_path).run();
}

int show_sandbox_probe(const std::filesystem::path& config_path, bool json) {
  const auto config = load_config(config_path);
  if (!config) return complain(config.error());
  const auto paths = sandbox_paths(*config, config_path);
  if (auto dropped = drop_privileges(config->server.user, config->server.group); !dropped)
    return complain({admin::exit_rights, dropped.error().text});
  const auto entered = enter_sandbox(paths);
  if (!entered) return complain({admin::exit_rights, entered.error().text});
  boost::json::object results;
  bool all = true;
  for (const auto& probe : probe_sandbox(paths)) {
    all = all && probe.refused;
    results[probe.what] = probe.refused;
    if (!json) std::cout << (probe.refused ? "ok    " : "HOLE  ") << probe.what << "\n";
  }
  if (json) std::cout << admin::to_line({{"sandbox", *entered}, {"as_it_should_be", std::move(results)}});
  return all ? admin::exit_ok : admin::exit_refused;
}

}  // namespace postern::daemon
