// SPDX-License-Identifier: Apache-2.0
// House: the rooms behind the doors, in the order in which they open: store, ledger, directory, authentication, the door of the
// queue, the way out. Members are declared in that order, so they close in the reverse one. No listener is here
// (daemon/services.h).
#pragma once

#include <memory>

#include "async/executor.h"
#include "async/task_group.h"
#include "auth/directory.h"
#include "auth/office.h"
#include "auth/sasl.h"
#include "auth/service.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "config/live.h"
#include "daemon/failure.h"
#include "dns/remembered.h"
#include "dns/unbound.h"
#include "net/tls_context.h"
#include "outbound/callout.h"
#include "outbound/courier.h"
#include "outbound/mta_sts.h"
#include "outbound/report_round.h"
#include "outbound/route.h"
#include "policy/dkim_book.h"
#include "policy/dkim_watch.h"
#include "policy/gate.h"
#include "policy/srs.h"
#include "queue/accept.h"
#include "queue/bounce.h"
#include "queue/forwarding.h"
#include "queue/homeward.h"
#include "queue/quota_watch.h"
#include "queue/redirect.h"
#include "queue/runner.h"
#include "queue/signer.h"
#include "store/ledger.h"
#include "store/store.h"
#include "store/trace_book.h"

namespace postern::daemon {

/// The rooms that commands of the admin need, also without a running server.
struct Archive {
  std::unique_ptr<store::Store> store;
  std::unique_ptr<store::Ledger> ledger;
  std::unique_ptr<auth::Directory> directory;
  std::unique_ptr<auth::Office> office;
  std::unique_ptr<auth::Service> auth;
  std::unique_ptr<policy::DkimBook> dkim;
};

/// What everything is made from; outlives the house.
struct Ground {
  config::Live& config;
  auth::SaslLibrary& sasl;
  Clock& clock;
  Log& log;
  Metrics& metrics;
  /// Of the running server, which makes backups by itself; empty for commands without one.
  std::filesystem::path config_path = {};
};

/// Opens the data folder and reads who is who. Each failure has its exit code.
Started<Archive> open_archive(Ground ground);

class House {
 public:
  /// Opens every room. Nothing moves before begin().
  static Started<std::unique_ptr<House>> open(Ground ground, async::Runtime& runtime);
  /// The way out begins to work, on executor 0 of the runtime.
  void begin();
  /// Stops the way out, finishes what the store was given, closes it.
  void close();

  Archive& archive() { return archive_; }
  queue::Door& door() { return *door_; }
  policy::Gate& gate() { return *gate_; }
  const policy::Srs& srs() const { return *srs_; }
  /// Null when [trace] is off.
  store::TraceBook* trace() { return trace_.get(); }
  dns::Resolver& resolver() { return *resolver_; }
  outbound::Router& router() { return *router_; }
  outbound::MtaSts* sts() { return sts_.get(); }
  std::shared_ptr<const config::Config> config() const { return ground_.config.get(); }
  /// Use it on executor 0.
  queue::Runner& runner() { return *runner_; }
  queue::Redirector redirector(mail::Address to);

 private:
  House(Ground ground, async::Runtime& runtime, Archive archive);
  void open_trace();
  Started<void> open_door();
  Started<void> open_way_out();
  Started<void> open_gate(const config::Config& config);
  async::Task<> stop_way_out();

  Ground ground_;
  async::Runtime& runtime_;
  Archive archive_;
  std::unique_ptr<store::TraceBook> trace_;
  std::unique_ptr<policy::Srs> srs_;
  std::unique_ptr<queue::Signer> signer_;
  std::unique_ptr<queue::Forwarding> forwarding_;
  std::unique_ptr<queue::Door> door_;
  std::unique_ptr<queue::Bouncer> bouncer_;
  std::unique_ptr<dns::Resolver> resolver_;
  std::unique_ptr<outbound::Callout> callout_;
  std::unique_ptr<policy::OwnList> own_list_;
  std::unique_ptr<policy::Greylist> greylist_;
  std::unique_ptr<policy::DmarcNotes> dmarc_notes_;
  std::unique_ptr<policy::Gate> gate_;
  std::unique_ptr<outbound::Router> router_;
  std::shared_ptr<net::TlsClient> tls_;
  std::unique_ptr<outbound::MtaSts> sts_;
  std::unique_ptr<outbound::TlsNotes> tls_notes_;
  std::unique_ptr<queue::Taken> taken_;
  std::unique_ptr<outbound::Courier> courier_;
  std::unique_ptr<queue::Homeward> homeward_;
  std::unique_ptr<queue::Runner> runner_;
  std::unique_ptr<queue::QuotaWatch> quota_watch_;
  std::unique_ptr<policy::KeyWatch> key_watch_;
  std::unique_ptr<outbound::ReportRound> report_round_;
  std::unique_ptr<async::TaskGroup> rounds_;  ///< what looks after the house now and then
};

}  // namespace postern::daemon
