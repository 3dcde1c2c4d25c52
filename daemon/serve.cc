// SPDX-License-Identifier: Apache-2.0
#include "daemon/serve.h"

#include <fcntl.h>
#include <sys/file.h>

#include <boost/json/array.hpp>
#include <iostream>
#include <mutex>

#include "admin/checks.h"
#include "admin/control.h"
#include "admin/json.h"
#include "config/parse.h"
#include "daemon/audit_command.h"
#include "daemon/dkim_commands.h"
#include "daemon/explain_command.h"
#include "daemon/house.h"
#include "daemon/privileges.h"
#include "daemon/queue_commands.h"
#include "daemon/rule_commands.h"
#include "daemon/sending_commands.h"
#include "daemon/services.h"
#include "daemon/signals.h"
#include "daemon/tls_commands.h"
#include "daemon/trace_command.h"

namespace postern::daemon {

namespace {

constexpr std::chrono::seconds sessions_gentle{10};  ///< for sessions to finish what they do and say goodbye
constexpr std::chrono::seconds sessions_hard{5};     ///< after they were cancelled

Started<config::Loaded> load_config(const std::filesystem::path& path) {
  auto loaded = config::load(path);
  if (!loaded) return std::unexpected(admin::configuration_failure(path, loaded.error()));
  return std::move(*loaded);
}

// Another postern on the same data folder is the likeliest owner of our port, and the better thing to tell.
std::optional<Failure> other_server(const std::filesystem::path& data_dir) {
  const auto path = data_dir / "lock";
  const UniqueFd lock(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!lock || ::flock(lock.get(), LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK) return std::nullopt;
  return Failure{admin::exit_locked, fmt::format("another postern (process {}) serves {}; stop it first with: postern stop",
                                                 read_file(path).value_or("?"), data_dir.string())};
}

// Gives what stands around us, for the log.
Started<std::string> give_up_rights(const config::Config& config, const std::filesystem::path& config_path) {
  if (auto dropped = drop_privileges(config.server.user, config.server.group); !dropped) return cannot_start(dropped.error());
#ifdef POSTERN_SANITIZED
  (void)config_path;
  return "nothing (sanitizer build)";
#else
  if (config.server.sandbox == config::Sandbox::off) return "nothing ([server] sandbox is off)";
  auto entered = enter_sandbox(sandbox_paths(config, config_path));
  if (!entered) return cannot_start(admin::exit_rights, entered.error().text + "; [server] sandbox = \"off\" runs without");
  return std::move(*entered);
#endif
}

/// The log's way out. Its asynchronous logger has a thread, and a thread that starts before the sandbox stays outside of it,
/// so until open() lines are written as they come.
class LogGate {
 public:
  void open() { state_->open = true; }
  Log::Sink sink() const {
    return [state = state_](LogLevel level, std::string_view line) {
      if (!state->open) {
        std::cerr << line << "\n";
        return;
      }
      if (!state->sink) state->sink = stderr_sink();
      state->sink(level, line);
    };
  }

 private:
  struct State {
    std::atomic<bool> open = false;
    Log::Sink sink;  // Log calls it by one thread at a time
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// The running server behind the signal loop.
class Server {
 public:
  Server(config::Loaded loaded, std::filesystem::path config_path)
      : config_path_(std::move(config_path)),
        log_(loaded.config.server.log_level, log_gate_.sink()),
        config_(std::move(loaded.config)) {
    for (const auto& warning : loaded.warnings) warnings_.push_back(config::to_string(warning));
  }

  int run();

 private:
  Started<void> start();
  void stop();
  void register_commands();
  void say_ready();
  void warn_about_certificates();
  Result<std::vector<std::string>> reload();
  async::Task<admin::Answer> status(admin::Arguments arguments);
  async::Task<admin::Answer> reload_by_command(admin::Arguments arguments);
  async::Task<admin::Answer> stop_by_command(admin::Arguments arguments);

  std::filesystem::path config_path_;
  SystemdNotifier systemd_;
  LogGate log_gate_;
  std::vector<std::string> warnings_;  ///< of the configuration, told once we are up
  std::string walls_;                  ///< what the sandbox is made of
  std::mutex reloading_;               ///< a signal and a command may come at once
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
  auto sockets = bind_sockets(*config);
  if (!sockets) return std::unexpected(other_server(config->server.data_dir).value_or(sockets.error()));
  if (auto ready = prepare_data_folder(config->server.data_dir, config->server.user, config->server.group); !ready) {
    return cannot_start(ready.error());
  }
  if (const auto& folder = config->backup.folder; !folder.empty()) {
    if (auto ready = prepare_data_folder(folder, config->server.user, config->server.group); !ready)
      return cannot_start(ready.error());
  }
  auto sasl = auth::SaslLibrary::start(log_);
  if (!sasl) return cannot_start(sasl.error());
  sasl_ = std::move(*sasl);
  auto walls = give_up_rights(*config, config_path_);
  if (!walls) return std::unexpected(walls.error());
  walls_ = std::move(*walls);
  log_gate_.open();

  // From here on as an ordinary, sandboxed user; threads start only now, so that all are inside.
  auto contexts = TlsContexts::open(*config);
  if (!contexts) return std::unexpected(contexts.error());
  runtime_ = std::make_unique<async::Runtime>(config->server.threads);
  runtime_->start();
  const Ground ground{config_, *sasl_, clock_, log_, metrics_, std::filesystem::absolute(config_path_)};
  auto house = House::open(ground, *runtime_);
  if (!house) return std::unexpected(house.error());
  house_ = std::move(*house);
  tasks_ = std::make_unique<async::TaskGroup>(log_, "sessions");
  services_ = Services::open({ground, *house_, *runtime_, *tasks_}, std::move(*sockets), std::move(*contexts));
  auto& archive = house_->archive();
  control_ = std::make_unique<admin::Control>(
      admin::Context{*archive.store, *archive.directory, *archive.auth, clock_, config_, *archive.office, archive.dkim.get()},
      *tasks_, log_);
  register_commands();
  if (auto open = control_->start(config->server.control(), runtime_->executor(0)); !open) return cannot_start(open.error());
  // Nothing can fail any more: only now does anybody outside see a server, and mail move.
  started_ = clock_.unix_now();
  house_->begin();
  services_->begin();
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
    const int code = admin::complain(started.error());
    stop();
    return code;
  }
  say_ready();
  for (auto signal = wait_for_signal(); signal != Signal::stop; signal = wait_for_signal()) {
    if (signal == Signal::reload) reload();
  }
  systemd_.tell("STOPPING=1");
  log_.info("daemon", "stopping");
  stop();
  log_.info("daemon", "stopped");
  return admin::exit_ok;
}

void Server::say_ready() {
  const auto config = config_.get();
  for (const auto& warning : warnings_) log_.warning("daemon", "configuration", {{"warning", warning}});
  warn_about_certificates();
  log_.info("daemon", "ready",
            {{"hostname", config->server.hostname}, {"data", config->server.data_dir.string()}, {"sandbox", walls_}});
  systemd_.tell("READY=1");
}

// An expired certificate is no reason not to take mail in: other servers do not look at it.
void Server::warn_about_certificates() {
  const auto config = config_.get();
  std::string_view hostname = config->server.hostname;
  for (const auto& pair : admin::certificate_files(config->tls)) {
    const auto info = net::inspect_certificate(pair);
    if (!info) continue;  // replaced this moment; the next reload tells
    for (const auto& text : admin::certificate_warnings(pair.chain, *info, hostname, clock_.unix_now())) {
      log_.warning("daemon", "certificate", {{"warning", text}});
    }
    hostname = {};
  }
}

// After an error everything stays as it was.
Result<std::vector<std::string>> Server::reload() {
  const std::lock_guard lock(reloading_);
  auto loaded = config::load(config_path_);
  if (!loaded) {
    const auto text = config::to_string(loaded.error());
    log_.error("daemon", "configuration not reloaded", {{"problems", text}});
    return fail(ErrorKind::invalid, admin::configuration_failure(config_path_, loaded.error()).text + "nothing was changed");
  }
  if (auto renewed = services_->reload_certificates(); !renewed) {
    log_.error("daemon", "certificates not reloaded", {{"error", renewed.error().text}});
    return fail(renewed.error().kind, renewed.error().text + "\nnothing was changed");
  }
  auto restart = config::restart_needed(*config_.get(), loaded->config);
  config_.replace(std::move(loaded->config));
  services_->follow_limits();
  log_.set_level(config_.get()->server.log_level);
  warn_about_certificates();
  log_.info("daemon", "reloaded", {{"restart_needed", restart.size()}});
  return restart;
}

void Server::register_commands() {
  control_->add("status", [this](admin::Arguments arguments) { return status(std::move(arguments)); });
  control_->add("reload", [this](admin::Arguments arguments) { return reload_by_command(std::move(arguments)); });
  add_rule_commands(*control_, house_->gate());
  add_dkim_commands(*control_, *house_);
  add_sending_commands(*control_, *house_->archive().directory, services_->allowance());
  add_queue_commands(*control_, *house_);
  add_tls_commands(*control_, *house_);
  auto& archive = house_->archive();
  const smtp::Parts smtp_parts{*archive.store, *archive.directory, house_->door(), config_, clock_, log_,
                               nullptr,        &house_->srs()};
  add_explain_command(*control_, {smtp_parts, house_->gate(), archive.office->bans()});
  add_trace_command(*control_, house_->trace());
  add_audit_command(*control_, {house_->door(), *archive.directory, config_, clock_, log_});
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
  if (!config.backup.folder.empty()) paths.read_write.push_back(config.backup.folder);
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
  auto loaded = load_config(config_path);
  if (!loaded) return admin::complain(loaded.error());
  return Server(std::move(*loaded), config_path).run();
}

int show_sandbox_probe(const std::filesystem::path& config_path, bool json) {
  const auto loaded = load_config(config_path);
  if (!loaded) return admin::complain(loaded.error());
  const auto& config = loaded->config;
  const auto& server = config.server;
  harden_process();
  if (auto ready = prepare_data_folder(server.data_dir, server.user, server.group); !ready)
    return admin::complain({exit_code_for(ready.error().kind), ready.error().text});
  const auto paths = sandbox_paths(config, config_path);
  if (auto dropped = drop_privileges(server.user, server.group); !dropped)
    return admin::complain({exit_code_for(dropped.error().kind), dropped.error().text});
  const auto entered = enter_sandbox(paths);
  if (!entered) return admin::complain({admin::exit_rights, entered.error().text});
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
