// SPDX-License-Identifier: Apache-2.0
#include "outbound/proxy.h"

#include "base/file.h"
#include "net/socks.h"

namespace postern::outbound {

namespace {

constexpr std::size_t max_password_file = 4096;

Result<std::optional<net::SocksLogin>> login_of(const config::Route& route) {
  if (route.proxy_user.empty()) return std::optional<net::SocksLogin>();
  if (auto closed = require_private(route.proxy_password_file); !closed) return std::unexpected(closed.error());
  auto password = read_file(route.proxy_password_file, max_password_file);
  if (!password) return std::unexpected(password.error());
  while (!password->empty() && (password->back() == '\n' || password->back() == '\r')) password->pop_back();
  return std::optional(net::SocksLogin{route.proxy_user, Secret::take(*password)});
}

/// The proxy is the admin's own choice and may be anywhere.
Hop hop_to(const config::HostPort& proxy) {
  Hop out{proxy.host, proxy.port, {}, false, {}};
  if (const auto address = IpAddress::parse(proxy.host)) out.address = *address;
  out.chosen = true;
  return out;
}

}  // namespace

const config::Route* proxy_of(const Hop& hop) { return hop.route && !hop.route->proxy.empty() ? hop.route.get() : nullptr; }

bool proxy_looks_up(const Hop& hop) {
  const auto* const route = proxy_of(hop);
  return route != nullptr && route->proxy_names == config::Route::ProxyNames::proxy && !hop.address;
}

async::Task<Result<std::unique_ptr<net::Connection>>> dial_through_proxy(Router& router, Hop hop, net::Endpoint to,
                                                                         std::shared_ptr<const config::Config> config,
                                                                         net::DialOptions options) {
  const auto route = hop.route;
  const auto name = route->proxy.to_string();
  auto login = login_of(*route);
  if (!login) co_return fail(login.error().kind, fmt::format("proxy {}: {}", name, login.error().text));
  const auto where = co_await router.endpoints(hop_to(route->proxy), config);
  if (!where) co_return fail(ErrorKind::unavailable, fmt::format("proxy {}: {}", name, where.error().text));
  Result<std::unique_ptr<net::Connection>> connection = fail(ErrorKind::unavailable, "no address");
  for (const auto& one : *where) {
    connection = co_await net::dial(one, options);
    if (connection) break;
  }
  if (!connection) co_return fail(connection.error().kind, fmt::format("proxy {}: {}", name, connection.error().text));
  net::SocksTarget target{.host = hop.name, .address = to.address, .port = hop.port};
  if (proxy_looks_up(hop)) target.address.reset();
  (*connection)->set_timeout(options.connect_timeout);
  auto through = co_await net::socks_connect(**connection, std::move(target), std::move(*login));
  if (!through) co_return fail(through.error().kind, fmt::format("proxy {}: {}", name, through.error().text));
  (*connection)->set_timeout(options.timeout);
  co_return connection;
}

}  // namespace postern::outbound
