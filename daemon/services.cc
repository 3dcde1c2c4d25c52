// SPDX-License-Identifier: Apache-2.0
#include "daemon/services.h"

#include "admin/checks.h"
#include "config/gate.h"
#include "config/way_out.h"
#include "mail/status.h"
#include "queue/suspension_notice.h"

namespace postern::daemon {

namespace {

constexpr std::size_t imap_headroom = 4;  ///< networks hold so many times what one address may

Started<void> bind_service(std::vector<net::ListenSocket>& out, std::string_view name,
                           const std::vector<config::Endpoint>& endpoints) {
  auto inherited = net::inherited_sockets(name);
  if (!inherited) return cannot_start(inherited.error());
  if (!inherited->empty()) {
    out = std::move(*inherited);
    return {};
  }
  for (const auto& endpoint : endpoints) {
    const auto address = IpAddress::parse(endpoint.ip);
    if (!address) return cannot_start(admin::exit_configuration, address.error().text);
    auto socket = net::listen_on({*address, endpoint.port});
    if (!socket)
      return cannot_start(exit_code_for(socket.error().kind), "listen." + std::string(name) + ": " + socket.error().text);
    out.push_back(std::move(*socket));
  }
  return {};
}

net::AdmissionLimits smtp_limits(const config::Config& config) {
  return {.per_address = config.limits.connections_per_address,
          .per_network = config.limits.connections_per_network,
          .total = config.limits.connections_total,
          .rate_per_minute = config.limits.connection_rate_per_minute,
          .exempt = {}};
}

net::AdmissionLimits retrieval_limits(const config::Config& config) {
  return {.per_address = config.limits.imap_per_address,
          .per_network = imap_headroom * config.limits.imap_per_address,
          .total = config.limits.connections_total,
          .rate_per_minute = 0,
          .exempt = {}};
}

// The web pages serve a few browsers and a collector, behind a proxy perhaps.
net::AdmissionLimits web_limits() {
  return {.per_address = 50, .per_network = 100, .total = 200, .rate_per_minute = 600, .exempt = {}};
}

submission::AllowanceLimits allowance_limits(const config::Config& config) {
  const auto& from = config.submission;
  return {.messages_per_hour = from.messages_per_hour,
          .recipients_per_hour = from.recipients_per_hour,
          .messages_per_day = from.messages_per_day,
          .recipients_per_day = from.recipients_per_day,
          .new_recipients_per_day = config.way_out->submission.new_recipients_per_day,
          .suspend_for = config.way_out->submission.suspend_for};
}

// RFC 5321 §3.8: what a refused client hears before we hang up.
std::string smtp_refusal(net::Refusal refusal) {
  const auto& status = refusal == net::Refusal::banned  ? mail::status::banned
                       : refusal == net::Refusal::total ? mail::status::shutting_down
                                                        : mail::status::too_many_connections;
  const std::string_view text = refusal == net::Refusal::total         ? "Too busy now, try again later"
                                : refusal == net::Refusal::per_address ? "Too many connections from your address, try again later"
                                : refusal == net::Refusal::rate ? "Too many new connections from your address, try again later"
                                                                : status.text;
  return fmt::format("{} {} {}\r\n", status.code, status.enhanced.to_string(), text);
}

net::TlsVersion least_version(config::Device::Tls least) {
  using enum config::Device::Tls;
  switch (least) {
    case tls1_0: return net::TlsVersion::tls1_0;
    case tls1_1: return net::TlsVersion::tls1_1;
    case tls1_2: return net::TlsVersion::tls1_2;
    case tls1_3: return net::TlsVersion::tls1_3;
  }
  return net::TlsVersion::tls1_2;
}

net::TlsVersion least_version(config::TlsLeast least) {
  switch (least) {
    case config::TlsLeast::tls1_0: return net::TlsVersion::tls1_0;
    case config::TlsLeast::tls1_1: return net::TlsVersion::tls1_1;
    case config::TlsLeast::tls1_2: return net::TlsVersion::tls1_2;
    case config::TlsLeast::tls1_3: return net::TlsVersion::tls1_3;
  }
  return net::TlsVersion::tls1_2;
}

}  // namespace

Started<TlsContexts> TlsContexts::open(const config::Config& config) {
  TlsContexts contexts;
  const auto certificates = admin::certificate_files(config.tls);
  if (certificates.empty()) return contexts;
  const std::tuple<std::shared_ptr<net::TlsServer>*, std::string, std::vector<std::string>> all[] = {
      {&contexts.smtp, "smtp", {}},       {&contexts.submission, "submission", {}}, {&contexts.submissions, "submissions", {}},
      {&contexts.imap, "imap", {"imap"}}, {&contexts.pop3, "pop3", {"pop3"}},       {&contexts.device, "device", {}},
  };
  for (const auto& [context, service, alpn] : all) {
    // Only mail servers of others and devices may be old; our users' programs are not.
    const auto least = context == &contexts.smtp     ? least_version(config.gate->tls_least)
                       : context == &contexts.device ? least_version(config.way_out->device.tls_least)
                                                     : net::TlsVersion::tls1_2;
    auto made = net::TlsServer::create({.service = service, .alpn = alpn, .certificates = certificates, .least = least});
    if (!made) return cannot_start(admin::exit_certificate, made.error().text);
    *context = std::move(*made);
  }
  return contexts;
}

std::vector<std::shared_ptr<net::TlsServer>> TlsContexts::all() const {
  if (!smtp) return {};
  return {smtp, submission, submissions, imap, pop3, device};
}

Started<Sockets> bind_sockets(const config::Config& config) {
  const auto& listen = config.listen;
  Sockets sockets;
  const std::tuple<std::vector<net::ListenSocket>*, std::string_view, const std::vector<config::Endpoint>*> all[] = {
      {&sockets.smtp, "smtp", &listen.smtp},
      {&sockets.submission, "submission", &listen.submission},
      {&sockets.submissions, "submissions", &listen.submissions},
      {&sockets.imaps, "imaps", &listen.imaps},
      {&sockets.pop3s, "pop3s", &listen.pop3s},
      {&sockets.http, "http", &listen.http},
      {&sockets.trusted, "trusted", &listen.trusted},
      {&sockets.device, "device", &config.way_out->device.listen},
  };
  for (const auto& [out, name, endpoints] : all) {
    if (auto bound = bind_service(*out, name, *endpoints); !bound) return std::unexpected(bound.error());
  }
  return sockets;
}

/// One listener with its admission.
struct Services::Line {
  std::string name;
  std::unique_ptr<net::Admission> admission;
  std::unique_ptr<net::Listener> listener;
};

Services::Services(Parts parts, TlsContexts contexts)
    : parts_(parts),
      contexts_(std::move(contexts)),
      crowd_(parts.ground.config.get()->limits.connections_total,
             parts.ground.metrics.counter("postern_guests_dropped_total",
                                          "Connections without a login or a good recipient that gave way to newer ones")),
      allowance_(parts.ground.clock, allowance_limits(*parts.ground.config.get()), &parts.house.archive().ledger->sending()) {
  auto& ground = parts_.ground;
  const queue::Writing writing{parts_.house.door(), *parts_.house.archive().directory, ground.config, ground.clock, ground.log};
  allowance_.on_suspension([writing, &tasks = parts_.tasks, executor = parts_.runtime.executor(0)](store::SuspensionRow row) {
    tasks.spawn(executor, queue::tell_suspended(writing, std::move(row)));
  });
}
Services::~Services() = default;

std::unique_ptr<Services> Services::open(Parts parts, Sockets sockets, TlsContexts contexts) {
  std::unique_ptr<Services> services(new Services(parts, std::move(contexts)));
  services->open_mail(sockets);
  services->open_web(sockets);
  return services;
}

void Services::begin() {
  for (auto& line : lines_) line->listener->start();
  if (web_) web_->start();
}

Services::Line& Services::add_line(std::string name, net::AdmissionLimits limits) {
  auto& line = lines_.emplace_back(std::make_unique<Line>());
  line->name = std::move(name);
  auto ban = line->name == "trusted" ? net::Admission::Ban() : ban_for(line->name);
  line->admission = std::make_unique<net::Admission>(std::move(limits), parts_.ground.clock, std::move(ban));
  return *line;
}

net::Admission::Ban Services::ban_for(const std::string& service) {
  auto counter = parts_.ground.metrics.counter("postern_connections_banned_total", "Connections that a ban turned away",
                                               {{"service", service}});
  return [&bans = parts_.house.archive().office->bans(), counter](const IpAddress& peer) {
    const bool banned = bans.turns_away(peer);
    if (banned) counter.add();
    return banned;
  };
}

void Services::listen(Line& line, std::vector<net::ListenSocket>& sockets, std::shared_ptr<const net::TlsServer> implicit_tls,
                      std::function<std::string(net::Refusal)> refusal, net::Listener::Handler handler) {
  line.listener = std::make_unique<net::Listener>(
      net::Listener::Parts{parts_.runtime, parts_.tasks, *line.admission, parts_.ground.log, &crowd_},
      net::Listener::Options{.name = line.name, .implicit_tls = std::move(implicit_tls), .refusal = std::move(refusal)},
      std::move(handler));
  for (auto& socket : sockets) line.listener->adopt(std::move(socket));
}

void Services::open_mail(Sockets& sockets) {
  auto& [ground, house, runtime, tasks] = parts_;
  const auto config = ground.config.get();
  auto& archive = house.archive();
  const smtp::Parts smtp_parts{*archive.store, *archive.directory, house.door(),  ground.config,
                               ground.clock,   ground.log,         house.trace(), &house.srs()};

  inbound_ = std::make_unique<smtp::InboundService>(smtp_parts, ground.metrics, contexts_.smtp, &house.gate());
  auto& line = add_line("smtp", smtp_limits(*config));
  inbound_->options().under_stress = [&crowd = crowd_, &live = ground.config] {
    const auto now = live.get();
    return crowd.size() * 100 >= std::size_t{now->limits.connections_total} * now->gate->stress_at.value;
  };
  listen(line, sockets.smtp, nullptr, smtp_refusal, [this](net::Connection& connection) { return inbound_->serve(connection); });
  trusted_ = std::make_unique<submission::TrustedService>(smtp_parts, ground.metrics, contexts_.smtp);
  listen(add_line("trusted", smtp_limits(*config)), sockets.trusted, nullptr, smtp_refusal,
         [this](net::Connection& connection) { return trusted_->serve(connection); });
  device_ = std::make_unique<submission::DeviceService>(smtp_parts, ground.metrics, contexts_.device);
  listen(add_line("device", smtp_limits(*config)), sockets.device, nullptr, smtp_refusal,
         [this](net::Connection& connection) { return device_->serve(connection); });

  if (!contexts_.smtp) return;  // no certificate, no logins (product.md promise 3); config check has warned
  const submission::Service::Rooms rooms{smtp_parts, *archive.auth, allowance_};
  submission_ = std::make_unique<submission::Service>(rooms, ground.metrics, contexts_.submission);
  listen(add_line("submission", smtp_limits(*config)), sockets.submission, nullptr, smtp_refusal,
         [this](net::Connection& connection) { return submission_->serve(connection); });
  submissions_ = std::make_unique<submission::Service>(rooms, ground.metrics, nullptr);
  listen(add_line("submissions", smtp_limits(*config)), sockets.submissions, contexts_.submissions, nullptr,
         [this](net::Connection& connection) { return submissions_->serve(connection); });

  imap_ = std::make_unique<imap::Services>(imap::Services{*archive.store, *archive.auth, ground.config, ground.clock, ground.log,
                                                          occupancy_, account_choice(), parts_.house.trace()});
  listen(add_line("imaps", retrieval_limits(*config)), sockets.imaps, contexts_.imap, nullptr,
         [this](net::Connection& connection) { return imap::serve(connection, *imap_); });
  listen(add_line("pop3s", retrieval_limits(*config)), sockets.pop3s, contexts_.pop3, nullptr,
         [this](net::Connection& connection) { return serve_pop3(connection); });
}

auth::AccountChoice Services::account_choice() const {
  return [&directory = *parts_.house.archive().directory](mail::AccountId account, std::string_view setting) {
    const auto row = directory.account(account);
    if (!row) return std::string();
    const auto found = row->settings.find(std::string(setting));
    return found == row->settings.end() ? std::string() : found->second;
  };
}

async::Task<> Services::serve_pop3(net::Connection& connection) {
  const auto config = parts_.ground.config.get();
  auto& archive = parts_.house.archive();
  pop3::Session session(connection,
                        {*archive.store, *archive.auth, drop_locks_, parts_.ground.log, account_choice(), parts_.house.trace(),
                         &parts_.ground.clock},
                        {.idle = config->limits.pop3_idle,
                         .login_limit = config->limits.imap_preauth,
                         .login_failures = config->auth.session_failures,
                         .bad_commands = config->limits.errors});
  co_await session.run();
}

void Services::open_web(Sockets& sockets) {
  auto& [ground, house, runtime, tasks] = parts_;
  if (sockets.http.empty()) return;
  auto& archive = house.archive();
  web_admission_ = std::make_unique<net::Admission>(web_limits(), ground.clock);
  web_ = std::make_unique<http::Server>(net::Listener::Parts{runtime, tasks, *web_admission_, ground.log}, http::ServerOptions{},
                                        web::make_router({ground.config, *archive.directory, *archive.store, ground.metrics}));
  for (auto& socket : sockets.http) web_->adopt(std::move(socket));
}

Result<> Services::reload_certificates() {
  for (const auto& context : contexts_.all()) {
    if (auto loaded = context->reload(); !loaded) return loaded;
  }
  return {};
}

void Services::follow_limits() {
  const auto config = parts_.ground.config.get();
  crowd_.set_total(config->limits.connections_total);
  for (auto& line : lines_) {
    const bool retrieval = line->name == "imaps" || line->name == "pop3s";
    line->admission->set_limits(retrieval ? retrieval_limits(*config) : smtp_limits(*config));
  }
}

void Services::stop_accepting() {
  for (auto& line : lines_) line->listener->stop_accepting();
  if (web_) web_->stop_accepting();
}

std::vector<std::pair<std::string, std::size_t>> Services::connections() const {
  std::vector<std::pair<std::string, std::size_t>> out;
  for (const auto& line : lines_) out.emplace_back(line->name, line->admission->active());
  return out;
}

}  // namespace postern::daemon
