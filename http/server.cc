// SPDX-License-Identifier: Apache-2.0
// Server: read a request, find its handler, write the response, again.
#include "http/server.h"

#include <boost/system/system_error.hpp>

namespace postern::http {

namespace {

struct Read {
  std::optional<Request> request;
  Response refusal;  ///< when there is no request and the peer shall hear why
  bool answer = true;
  bool keep_alive = false;
};

Response refusal_for(const Error& error) {
  switch (error.kind) {
    case ErrorKind::too_large: return plain_response(413, "Content Too Large");
    case ErrorKind::limit: return plain_response(431, "Request Header Fields Too Large");
    case ErrorKind::timeout: return plain_response(408, "Request Timeout");
    default: return plain_response(400, "Bad Request");
  }
}

Read refused(const Error& error) {
  Read out;
  out.refusal = refusal_for(error);
  out.answer = error.kind != ErrorKind::closed && error.kind != ErrorKind::io && error.kind != ErrorKind::unavailable;
  return out;
}

/// Feeds the reader from the connection until the message is whole.
async::Task<Result<void>> read_message(net::Connection& connection, MessageReader& reader) {
  while (!reader.done()) {
    if (!connection.buffered().empty()) {
      auto used = reader.feed(connection.buffered());
      if (!used) co_return std::unexpected(used.error());
      connection.consume(*used);
      if (reader.done() || *used > 0) continue;
    }
    auto filled = co_await connection.fill();
    if (!filled) co_return std::unexpected(filled.error());
  }
  co_return Result<void>();
}

async::Task<Read> read_request(net::Connection& connection, const ServerOptions& options) {
  const auto arrived = co_await connection.wait_input_until(std::chrono::steady_clock::now() + options.timeout);
  if (!arrived) co_return refused(arrived.error());
  if (*arrived != net::Wake::input) co_return refused({ErrorKind::closed, "idle, or the server stops"});
  MessageReader reader(MessageReader::Kind::request, options.limits);
  connection.set_deadline(std::chrono::steady_clock::now() + options.timeout);
  const auto whole = co_await read_message(connection, reader);
  connection.set_deadline(std::nullopt);
  if (!whole) co_return refused(whole.error());
  auto request = reader.request();
  if (!request) co_return refused(request.error());
  Read out;
  out.request = std::move(*request);
  out.request->peer = connection.peer();
  out.request->secure = connection.is_tls();
  out.keep_alive = reader.keep_alive();
  co_return out;
}

/// The handler's response, or what stands for it.
async::Task<Response> respond(const Request& request, const SessionParts& parts) {
  const auto& hosts = parts.options.hosts;
  if (!hosts.empty() && std::ranges::find(hosts, request.host) == hosts.end())
    co_return plain_response(421, "Misdirected Request");
  const Handler* handler = parts.router.find(request.method, request.path);
  if (handler == nullptr) {
    const std::string allowed = parts.router.allowed(request.path);
    Response refusal = allowed.empty() ? plain_response(404, "Not Found") : plain_response(405, "Method Not Allowed");
    if (!allowed.empty()) refusal.headers["Allow"] = allowed;
    co_return refusal;
  }
  try {
    co_return co_await (*handler)(request);
  } catch (const boost::system::system_error&) {
    throw;  // cancelled: the connection is over
  } catch (const std::exception& bug) {
    parts.log.error(parts.options.name, "handler failed", {{"path", request.path}, {"reason", bug.what()}});
  }
  co_return plain_response(500, "Internal Server Error");
}

}  // namespace

async::Task<> serve_connection(net::Connection& connection, SessionParts parts) {
  connection.set_timeout(parts.options.timeout);
  for (std::size_t count = 1; count <= parts.options.most_requests; ++count) {
    const Read read = co_await read_request(connection, parts.options);
    if (!read.request) {
      if (read.answer) co_await connection.write(write_response(read.refusal, "GET", false));
      co_return;
    }
    const Response response = co_await respond(*read.request, parts);
    const bool keep_alive = read.keep_alive && count < parts.options.most_requests && !connection.stop_requested();
    parts.log.info(parts.options.name, "request",
                   {{"peer", read.request->peer.address.to_string()},
                    {"method", read.request->method},
                    {"path", read.request->path},
                    {"status", response.status}});
    const auto sent = co_await connection.write(write_response(response, read.request->method, keep_alive));
    if (!sent || !keep_alive) co_return;
  }
}

struct Server::Site {
  ServerOptions options;
  Router router;
  Log& log;
};

Server::Server(net::Listener::Parts parts, ServerOptions options, Router router)
    : site_(std::make_shared<const Site>(std::move(options), std::move(router), parts.log)) {
  net::Listener::Options listening;
  listening.name = site_->options.name;
  listening.implicit_tls = site_->options.tls;
  listening.timeout = site_->options.timeout;
  listener_ = std::make_unique<net::Listener>(parts, std::move(listening), [site = site_](net::Connection& connection) {
    return serve_connection(connection, {site->options, site->router, site->log});
  });
}

Server::~Server() = default;

}  // namespace postern::http
