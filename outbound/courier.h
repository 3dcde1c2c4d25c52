// SPDX-License-Identifier: Apache-2.0
// Courier: the real queue::Courier. Route → hosts in their order → addresses of each → TLS as the policy demands → one
// transaction, over a connection that waits from an earlier message where there is one.
//
// What leads to the next host: no connection, a greeting or EHLO that is refused, TLS that fails, MAIL refused for now (4yz).
// What does not: any reply about a recipient, and everything after DATA, because that host may have the message (RFC 1047). A
// host that could not be reached is left alone for a minute, so that a dead host costs one wait and not one for each message. One
// line of log for each recipient. Used on one executor.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "async/task.h"
#include "async/task_group.h"
#include "auth/sasl.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "config/live.h"
#include "net/tls_context.h"
#include "outbound/blocked_port.h"
#include "outbound/route.h"
#include "outbound/sessions.h"
#include "outbound/seven_bit.h"
#include "outbound/tls_notes.h"
#include "outbound/tls_policy.h"
#include "queue/courier.h"
#include "queue/taken.h"

namespace postern::outbound {

class Courier final : public queue::Courier {
 public:
  struct Parts {
    store::Queue& queue;
    Router& router;
    config::Live& config;
    std::shared_ptr<net::TlsClient> tls;  ///< null: no TLS, as in tests
    auth::SaslLibrary* sasl = nullptr;    ///< needed for a smart host with a login
    Clock& clock;
    Log& log;
    Metrics& metrics;
    queue::Taken* taken = nullptr;                               ///< where to note what a server has taken; null: nowhere
    dns::Resolver* resolver = nullptr;                           ///< for TLSA records; null: no DANE
    TlsNotes* notes = nullptr;                                   ///< for TLS reports; null: none
    MtaSts* sts = nullptr;                                       ///< null: no MTA-STS
    std::function<std::string(store::AccountId)> login_of = {};  ///< for [[route]] accounts; empty: nobody has a login
    SevenBitTools seven_bit = {};                                ///< without a spool nothing is recoded
  };
  Courier(Parts parts, async::Executor executor);
  ~Courier() override;

  async::Task<std::vector<mail::Outcome>> deliver(const store::Claim& claim) override;
  void forget_failures() override { paused_.clear(); }

  /// Closes idle connections with QUIT and waits for that. Call after the runner has stopped.
  async::Task<> stop();

 private:
  struct Trip;
  struct Stop;
  struct Pause {
    std::chrono::steady_clock::time_point until;
    mail::Outcome why;
  };
  using Connected = std::expected<std::unique_ptr<Client>, mail::Outcome>;

  async::Task<> travel(Trip& trip);
  async::Task<bool> is_excused(Trip& trip);
  async::Task<TlsDemand> demand_of(Trip& trip, const Hop& hop, RecipientPolicy& policy);
  async::Task<Router::Found<std::vector<net::Endpoint>>> endpoints_of(const Trip& trip, const Hop& hop);
  async::Task<bool> visit(Trip& trip, const Hop& hop);
  async::Task<bool> knock(Trip& trip, const Stop& stop);
  async::Task<Client::Step> choose_form(Trip& trip, const Client& client);
  async::Task<bool> hand_over(Trip& trip, Client& client, const Stop& stop);
  async::Task<Connected> connect(const Trip& trip, const Stop& stop);
  mail::Outcome no_connection(const Stop& stop, const Error& error);
  async::Task<Connected> open(const Trip& trip, const Stop& stop, bool with_tls);
  async::Task<Client::Step> secure(Client& client, const Stop& stop);
  void note_session(const Trip& trip, const Stop& stop, policy::TlsSession session);
  void note_shaken(const Trip& trip, const Stop& stop, const Client& client, const Client::Step& step);
  std::move_only_function<void(std::size_t)> note_taken(const Parcel& parcel, bool dsn_passed);
  bool paused(Trip& trip, const net::Endpoint& endpoint);
  void pause(const net::Endpoint& endpoint, const mail::Outcome& why);
  void tell(const Trip& trip) const;

  Parts parts_;
  async::TaskGroup group_;
  Sessions sessions_;
  std::map<net::Endpoint, Pause> paused_;
  BlockedPort blocked_port_;
  Counter delivered_;
  Counter deferred_;
  Counter failed_;
  Counter connections_;
};

}  // namespace postern::outbound
