// SPDX-License-Identifier: Apache-2.0
// Conversation: the state of one SMTP connection as commands and handlers see it. The session owns it; it belongs to one
// executor, so nothing here is locked.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "auth/directory.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "config/live.h"
#include "net/connection.h"
#include "queue/accept.h"
#include "smtp/transaction.h"
#include "store/store.h"

namespace postern::store {
class TraceBook;
}
namespace postern::policy {
class Srs;
}

namespace postern::smtp {

/// What a session needs of the house; all of it outlives the session.
struct Parts {
  store::Store& store;
  const auth::Directory& directory;
  queue::Door& door;
  const config::Live& config;
  const Clock& clock;
  Log& log;
  store::TraceBook* trace = nullptr;  ///< null: nothing is traced
  const policy::Srs* srs = nullptr;   ///< null: no address of ours is a rewritten sender
};

/// What a service counts; made once for each service.
struct Meters {
  Meters(Metrics& metrics, const std::string& service);
  Counter sessions;
  Counter accepted;
  Counter refused;
  Counter stressed;
  /// Counts a handshake under its version ("TLSv1.3").
  void count_tls(const std::string& version) const;

 private:
  std::vector<std::pair<std::string, Counter>> tls_;
};

/// How a service runs its sessions.
struct SessionOptions {
  std::string service;                                   ///< "smtp", "submission", "trusted": area of the log
  std::shared_ptr<const net::TlsServer> tls;             ///< for STARTTLS; null: not offered
  std::optional<std::chrono::milliseconds> tarpit_step;  ///< in place of gate.tarpit, for tests
  std::function<bool()> under_stress;                    ///< nearly all connections are taken; empty: never
  std::chrono::seconds first_recipient{120};             ///< limit from the connection to the first accepted recipient or login
};

/// Things counted against limits.
struct Tally {
  unsigned errors = 0;
  unsigned junk = 0;
  unsigned unknown_recipients = 0;
  unsigned messages = 0;
};

struct Conversation {
  net::Connection& connection;
  const Parts& parts;
  const SessionOptions& options;
  const Meters& meters;
  std::shared_ptr<const config::Config> config;  ///< renewed at each greeting and each MAIL
  std::string helo;                              ///< argument of EHLO or HELO; empty: not greeted yet
  bool esmtp = false;                            ///< greeted with EHLO
  bool authenticated = false;
  std::optional<Transaction> transaction;
  Tally tally;
  std::string last_refusal = {};  ///< of a command, for the trace

  bool tls() const { return connection.is_tls(); }
  std::string ip() const { return connection.peer().address.to_string(); }
};

}  // namespace postern::smtp
