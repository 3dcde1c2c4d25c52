// SPDX-License-Identifier: Apache-2.0
// Server: HTTP/1.1 over net::Listener. Header, body, time and requests of a connection are limited, Host is checked against the
// names we serve (security.md D106); a handler that throws becomes a 500 and a line in the log.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "http/router.h"
#include "http/wire.h"
#include "net/listener.h"

namespace postern::http {

struct ServerOptions {
  std::string name = "http";       ///< for the log
  std::vector<std::string> hosts;  ///< names in Host that are answered, lower case; empty: any
  MessageLimits limits;
  std::chrono::milliseconds timeout{std::chrono::seconds(30)};  ///< for one request to arrive, one reply to leave
  std::size_t most_requests = 100;                              ///< of one connection
  std::shared_ptr<const net::TlsServer> tls;                    ///< null: plain HTTP
};

class Server {
 public:
  Server(net::Listener::Parts parts, ServerOptions options, Router router);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  Result<void> bind(const net::Endpoint& endpoint) { return listener_->bind(endpoint); }
  void adopt(net::ListenSocket socket) { listener_->adopt(std::move(socket)); }
  std::vector<net::Endpoint> endpoints() const { return listener_->endpoints(); }
  void start() { listener_->start(); }
  void stop_accepting() { listener_->stop_accepting(); }

 private:
  struct Site;
  std::shared_ptr<const Site> site_;
  std::unique_ptr<net::Listener> listener_;
};

/// One connection from first request to last: what the listener runs, and what tests run over a socketpair.
struct SessionParts {
  const ServerOptions& options;
  const Router& router;
  Log& log;
};
async::Task<> serve_connection(net::Connection& connection, SessionParts parts);

}  // namespace postern::http
