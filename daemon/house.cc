// SPDX-License-Identifier: Apache-2.0
#include "daemon/house.h"

#include "auth/service_factory.h"
#include "config/authentication.h"
#include "config/trace.h"
#include "queue/login_notice.h"
#include "store/sqlite/ledger.h"
#include "store/sqlite/open.h"
#include "store/sqlite/trace_book.h"

namespace postern::daemon {

namespace {

constexpr std::chrono::seconds delivery_stop_limit{20};  ///< for deliveries under way when we stop
constexpr std::chrono::seconds way_out_stop_limit{30};
constexpr std::chrono::seconds rounds_stop_limit{5};

dns::UnboundOptions resolver_options(const config::Dns& dns) {
  dns::UnboundOptions options;
  const auto endpoint = [](const config::Endpoint& from) {
    return net::Endpoint{*IpAddress::parse(from.ip), from.port};  // checked when the configuration was read
  };
  for (const auto& server : dns.servers) options.servers.push_back(endpoint(server));
  for (const auto& stub : dns.stub) {
    for (const auto& server : stub.servers) options.stubs.push_back({stub.zone, endpoint(server)});
  }
  if (dns.dnssec) options.trust_anchor_file = dns.trust_anchor_file;
  options.timeout = dns.timeout;
  options.negative_ttl_max = dns.negative_ttl_max;
  options.cache_bytes = dns.cache_bytes;
  return options;
}

store::sqlite::HousekeepingOptions housekeeping_options(const config::Store& store) {
  return {.compact_above = store.compact_above,
          .rate = store.housekeeping_rate,
          .audit_at = store.audit_at,
          .audit_bodies = store.audit_bodies,
          .history = {.most_ranges = static_cast<std::int64_t>(store.vanished_ranges), .keep = store.vanished_keep}};
}

// Only the running server makes backups by itself.
store::sqlite::BackupOptions backup_options(const config::Config& config, const std::filesystem::path& config_path) {
  if (config_path.empty()) return {};
  const auto& backup = config.backup;
  return {.folder = backup.folder,
          .config = config_path,
          .every = backup.every,
          .keep = backup.keep,
          .point_in_time = backup.point_in_time,
          .ship_every = backup.ship_every};
}

}  // namespace

Started<Archive> open_archive(Ground ground) {
  const auto config = ground.config.get();
  Archive archive;
  auto store = store::sqlite::open({.data_dir = config->server.data_dir,
                                    .undelete_window = config->store.undelete_window,
                                    .segment_bytes = config->store.segment_bytes,
                                    .search_text = config->store.search_text,
                                    .housekeeping = housekeeping_options(config->store),
                                    .free_space_min = config->store.free_space_min,
                                    .ballast = config->store.ballast,
                                    .backup = backup_options(*config, ground.config_path)},
                                   {ground.clock, ground.log, ground.metrics});
  if (!store) return cannot_start(store.error());
  archive.store = std::move(*store);
  archive.ledger = store::sqlite::open_ledger(config->server.data_dir, {ground.clock, ground.log, ground.metrics});

  archive.directory = std::make_unique<auth::Directory>(archive.store->accounts(), ground.log, &ground.config);
  if (auto loaded = async::run_alone(archive.directory->load()); !loaded) return cannot_start(loaded.error());

  auto front = async::run_alone(auth::make_front({.credentials = archive.store->credentials(),
                                                  .directory = *archive.directory,
                                                  .sasl = ground.sasl,
                                                  .clock = ground.clock,
                                                  .log = ground.log,
                                                  .metrics = ground.metrics,
                                                  .guard_book = &archive.ledger->guard()},
                                                 auth::settings_from(ground.config)));
  // A key or mechanism that the data folder should hold and does not.
  if (!front && front.error().kind == ErrorKind::not_found) return cannot_start(admin::exit_data_damaged, front.error().text);
  if (!front) return cannot_start(front.error());
  archive.office = std::move(front->office);
  archive.auth = std::move(front->service);
  auto dkim = policy::DkimBook::open(config->server.data_dir, ground.clock);
  if (!dkim) return cannot_start(dkim.error());
  archive.dkim = std::move(*dkim);
  return archive;
}

House::House(Ground ground, async::Runtime& runtime, Archive archive)
    : ground_(ground), runtime_(runtime), archive_(std::move(archive)) {}

Started<std::unique_ptr<House>> House::open(Ground ground, async::Runtime& runtime) {
  auto archive = open_archive(ground);
  if (!archive) return std::unexpected(archive.error());
  std::unique_ptr<House> house(new House(ground, runtime, std::move(*archive)));
  house->open_trace();
  if (auto door = house->open_door(); !door) return std::unexpected(door.error());
  const queue::Writing writing{*house->door_, *house->archive_.directory, ground.config, ground.clock, ground.log};
  house->archive_.office->on_new_network(
      [writing](auth::NewNetworkLogin login) { return queue::tell_new_network(writing, std::move(login)); });
  if (auto way_out = house->open_way_out(); !way_out) return std::unexpected(way_out.error());
  return house;
}

Started<void> House::open_door() {
  auto srs = policy::Srs::open(ground_.config.get()->server.data_dir / "srs.key");
  if (!srs) return cannot_start(srs.error());
  srs_ = std::make_unique<policy::Srs>(std::move(*srs));
  auto& [config, sasl, clock, log, metrics, path] = ground_;
  door_ = std::make_unique<queue::Door>(queue::Door::Parts{*archive_.store, config, clock, log, metrics});
  signer_ = std::make_unique<queue::Signer>(queue::Signer::Parts{*archive_.dkim, config, clock, log, metrics});
  door_->sign_by(signer_.get());
  forwarding_ = std::make_unique<queue::Forwarding>(
      queue::Forwarding::Parts{*srs_, *archive_.dkim, *archive_.directory, config, clock, log, metrics});
  door_->forward_by(forwarding_.get());
  bouncer_ = std::make_unique<queue::Bouncer>(queue::Bouncer::Parts{*door_, *archive_.directory, archive_.store->queue(), config,
                                                                    clock, log, metrics, forwarding_.get()});
  return {};
}

Started<void> House::open_way_out() {
  const auto config = ground_.config.get();
  const auto executor = runtime_.executor(0);
  const auto& anchor = config->dns.trust_anchor_file;
  if (config->dns.dnssec && !std::filesystem::exists(anchor)) {
    return cannot_start(admin::exit_configuration, "dns.trust_anchor_file: " + anchor.string() +
                                                       " is missing; apt-get install dns-root-data, or set dns.dnssec = false");
  }
  auto resolver = dns::Unbound::create(resolver_options(config->dns), executor, ground_.log);
  if (!resolver) return cannot_start(admin::exit_configuration, "[dns]: " + resolver.error().text);
  resolver_ = std::make_unique<dns::Remembered>(std::move(*resolver), ground_.clock);
  auto tls = net::TlsClient::create({});
  if (!tls) return cannot_start(tls.error());
  tls_ = *tls;
  tls_notes_ = std::make_unique<outbound::TlsNotes>(archive_.ledger->reports(), ground_.config, ground_.clock);

  router_ = std::make_unique<outbound::Router>(*resolver_, outbound::interface_addresses());
  const auto refusal = [this](const IpAddress& address) { return router_->refusal(address, *ground_.config.get()); };
  sts_ = std::make_unique<outbound::MtaSts>(
      outbound::MtaSts::Parts{*resolver_, archive_.ledger->sts(), *tls, ground_.clock, ground_.log, refusal});
  // Without notes mail still goes out; only a kill may then send some of it twice.
  auto taken = queue::Taken::open(config->server.data_dir / "queue.taken", ground_.log);
  if (taken) taken_ = std::move(*taken);
  if (!taken) ground_.log.warning("queue", "no_notes", {{"text", taken.error().text}});
  callout_ = std::make_unique<outbound::Callout>(
      outbound::Callout::Parts{*router_, ground_.config, *tls, ground_.clock, ground_.log, &ground_.sasl});
  if (auto gate = open_gate(*config); !gate) return std::unexpected(gate.error());
  const auto login_of = [&directory = *archive_.directory](store::AccountId id) {
    const auto account = directory.account(id);
    return account ? account->login : std::string();
  };
  const auto spool = [&store = *archive_.store] { return store.spool(); };
  courier_ = std::make_unique<outbound::Courier>(outbound::Courier::Parts{.queue = archive_.store->queue(),
                                                                          .router = *router_,
                                                                          .config = ground_.config,
                                                                          .tls = std::move(*tls),
                                                                          .sasl = &ground_.sasl,
                                                                          .clock = ground_.clock,
                                                                          .log = ground_.log,
                                                                          .metrics = ground_.metrics,
                                                                          .taken = taken_.get(),
                                                                          .resolver = resolver_.get(),
                                                                          .notes = tls_notes_.get(),
                                                                          .sts = sts_.get(),
                                                                          .login_of = login_of,
                                                                          .seven_bit = {spool, signer_.get()}},
                                                 executor);
  homeward_ = std::make_unique<queue::Homeward>(
      queue::Homeward::Parts{*door_, *archive_.store, *archive_.directory, *courier_, ground_.log});
  runner_ = std::make_unique<queue::Runner>(
      queue::Runner::Parts{archive_.store->queue(), *homeward_, *bouncer_, ground_.config, ground_.clock, ground_.log,
                           ground_.metrics, taken_.get(), trace_.get()},
      executor);
  return {};
}

Started<void> House::open_gate(const config::Config& config) {
  auto own_list = policy::OwnList::open(config.server.data_dir / "gate.list");
  if (!own_list) return cannot_start(own_list.error());
  own_list_ = std::move(*own_list);
  greylist_ = std::make_unique<policy::Greylist>(&archive_.ledger->grey());
  dmarc_notes_ = std::make_unique<policy::DmarcNotes>(archive_.ledger->reports(), ground_.config, ground_.clock);
  gate_ = std::make_unique<policy::Gate>(policy::Gate::Parts{*resolver_, ground_.config, ground_.clock, ground_.log, *own_list_,
                                                             *greylist_, callout_.get(), dmarc_notes_.get()});
  return {};
}

queue::Redirector House::redirector(mail::Address to) {
  return queue::Redirector({*door_, *archive_.store, *archive_.directory, ground_.config, ground_.clock, ground_.log},
                           std::move(to));
}

void House::open_trace() {
  const auto config = ground_.config.get();
  const auto& trace = *config->trace;
  if (!trace.enabled) return;
  trace_ =
      store::sqlite::open_trace_book(config->server.data_dir, {.keep = trace.keep, .events = trace.events, .bytes = trace.size},
                                     {ground_.clock, ground_.log, ground_.metrics});
}

void House::begin() {
  async::post(runtime_.executor(0), [this] { runner_->start(); });
  rounds_ = std::make_unique<async::TaskGroup>(ground_.log, "daemon");
  quota_watch_ = std::make_unique<queue::QuotaWatch>(
      queue::Writing{*door_, *archive_.directory, ground_.config, ground_.clock, ground_.log}, *archive_.store);
  rounds_->spawn(runtime_.executor(0), quota_watch_->run(*rounds_));
  key_watch_ = std::make_unique<policy::KeyWatch>(*archive_.dkim, *resolver_, ground_.log);
  rounds_->spawn(runtime_.executor(0), key_watch_->run(*rounds_));
  rounds_->spawn(runtime_.executor(0), sts_->run(*rounds_));
  report_round_ = std::make_unique<outbound::ReportRound>(outbound::ReportRound::Parts{
      archive_.ledger->reports(), *resolver_, *door_, *archive_.directory, ground_.config, ground_.clock, ground_.log,
      ground_.metrics, tls_, [this](const IpAddress& address) { return router_->refusal(address, *ground_.config.get()); }});
  rounds_->spawn(runtime_.executor(0), report_round_->run(*rounds_));
}

async::Task<> House::stop_way_out() {
  if (!co_await runner_->stop(delivery_stop_limit))
    ground_.log.warning("daemon", "deliveries were cut short; they will be repeated");
  co_await courier_->stop();
}

void House::close() {
  // What makes rounds sleeps nearly always: there is nothing to wait for.
  if (rounds_) rounds_->stop_and_join(std::chrono::seconds(0), rounds_stop_limit);
  async::TaskGroup stopping(ground_.log, "daemon");
  stopping.spawn(runtime_.executor(0), stop_way_out());
  gate_->stop();
  if (!stopping.join(way_out_stop_limit)) ground_.log.warning("daemon", "the way out did not stop in time");
  archive_.office->finish();
  archive_.ledger->close();
  if (trace_) trace_->close();
  runtime_.stop();
  archive_.store->close();
}

}  // namespace postern::daemon
