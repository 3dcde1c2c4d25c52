// SPDX-License-Identifier: Apache-2.0
// fetch: dial, TLS, one request, one response, close.
#include "http/client.h"

#include "net/dial.h"

namespace postern::http {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds longest_connect{15};

async::Task<Result<std::unique_ptr<net::Connection>>> connect(const Fetch& what, Clock::time_point until) {
  Error last{ErrorKind::unavailable, "no address for " + what.url.host};
  for (const auto& address : what.addresses) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    if (left <= std::chrono::milliseconds(0)) co_return fail(ErrorKind::timeout, "no time left to connect to " + what.url.host);
    net::DialOptions options;
    options.connect_timeout = std::min<std::chrono::milliseconds>(left, longest_connect);
    options.timeout = what.time_limit;
    auto connection = co_await net::dial({address, what.url.port}, options);
    if (connection) co_return connection;
    last = connection.error();
  }
  co_return std::unexpected(last);
}

async::Task<Result<Response>> read_response(net::Connection& connection, const MessageLimits& limits) {
  MessageReader reader(MessageReader::Kind::response, limits);
  while (!reader.done()) {
    if (!connection.buffered().empty()) {
      auto used = reader.feed(connection.buffered());
      if (!used) co_return std::unexpected(used.error());
      connection.consume(*used);
      if (reader.done() || *used > 0) continue;
    }
    auto filled = co_await connection.fill();
    if (filled) continue;
    if (filled.error().kind != ErrorKind::closed || !connection.ended_cleanly()) co_return std::unexpected(filled.error());
    if (auto ended = reader.end(); !ended) co_return std::unexpected(ended.error());
  }
  co_return reader.response();
}

std::string host_header(const Url& url) {
  const std::string host = url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]";
  const bool usual = url.port == (url.https ? 443 : 80);
  return usual ? host : host + ":" + std::to_string(url.port);
}

}  // namespace

async::Task<Result<Response>> fetch(Fetch what, const net::TlsClient& tls) {
  const auto until = Clock::now() + what.time_limit;
  auto connected = co_await connect(what, until);
  if (!connected) co_return std::unexpected(connected.error());
  net::Connection& connection = **connected;
  connection.set_deadline(until);
  if (what.url.https) {
    net::TlsClientPolicy policy;
    policy.host = what.url.host;
    policy.trust = net::TlsTrust::verified;
    auto secured = co_await connection.start_tls_client(tls, policy);
    if (!secured) co_return std::unexpected(secured.error());
  }
  const RequestLine line{what.method, what.url.target, host_header(what.url)};
  auto sent = co_await connection.write(write_request(line, what.headers, what.body));
  if (!sent) co_return std::unexpected(sent.error());
  co_return co_await read_response(connection, what.limits);
}

}  // namespace postern::http
