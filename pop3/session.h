// SPDX-License-Identifier: Apache-2.0
// One POP3 session over one TLS connection (RFC 1939). The loop reads a line, finds the row of the command table, runs the
// handler, writes its Reply; logging, the error budget, time limits and closing live here and nowhere else.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "async/task.h"
#include "auth/account_choice.h"
#include "auth/service.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/connection.h"
#include "pop3/maildrop.h"
#include "pop3/reply.h"
#include "store/store.h"

namespace postern::pop3 {

/// Limits, filled from the configuration when a connection starts.
struct Settings {
  std::chrono::seconds idle{10 * 60};         ///< RFC 1939 §3: at least ten minutes
  std::chrono::seconds login_limit{60};       ///< from connection to a successful login
  std::size_t login_failures = 3;             ///< then the connection closes
  std::size_t bad_commands_before_login = 3;  ///< security.md D94
  std::size_t bad_commands = 20;
};

enum class State : unsigned char { authorization = 1, transaction = 2, update = 4 };

/// What a server has once for all its POP3 sessions. All of it must outlive them.
struct Services {
  store::Store& store;
  auth::Service& auth;
  DropLocks& locks;
  Log& log;
  auth::AccountChoice choice = {};
  store::TraceBook* trace = nullptr;  ///< null: nothing is traced
  const Clock* clock = nullptr;       ///< of the trace and of login delays; set when there is a trace
};

class Session {
 public:
  Session(net::Connection& connection, Services services, Settings settings);
  /// The whole session; returns when the connection should be closed.
  async::Task<> run();

  // What handlers use; see commands.h.
  net::Connection& connection() { return connection_; }
  Services& services() { return services_; }
  State state() const { return state_; }
  /// The name given by USER, waiting for PASS.
  std::string& user() { return user_; }
  Maildrop& maildrop() { return *maildrop_; }
  auth::Origin origin() const;
  /// Seconds between two logins of the account (RFC 2449 §6.5); zero: any time. Known after the login only.
  std::chrono::seconds login_delay() const { return login_delay_; }
  /// What a SASL exchange or a USER/PASS login ended in: opens the maildrop or says why not.
  async::Task<Reply> finish_login(auth::Step step);
  void enter_update() { state_ = State::update; }
  /// RFC 1939 §6: before the answer to QUIT, so that a client that comes again at once is let in.
  void release_maildrop() { maildrop_.reset(); }

 private:
  async::Task<bool> read_and_answer();
  async::Task<std::optional<Reply>> open_maildrop(const mail::Identity& identity);
  std::chrono::steady_clock::time_point now() const;
  async::Task<Reply> answer(std::string_view line);
  async::Task<bool> send(Reply reply);
  async::Task<> end_with(std::string_view text, std::string_view code);
  /// Why we end the session by ourselves.
  struct Ending {
    std::string_view text;
    std::string_view code;
  };
  Ending ending() const;
  bool over_budget(const Reply& reply);

  net::Connection& connection_;
  Services services_;
  Settings settings_;
  State state_ = State::authorization;
  std::string user_;
  std::string login_;
  std::shared_ptr<auth::SessionTicket> ticket_;
  std::unique_ptr<Maildrop> maildrop_;
  std::chrono::seconds login_delay_{0};
  std::size_t login_failures_ = 0;
  std::size_t bad_commands_ = 0;
};

}  // namespace postern::pop3
