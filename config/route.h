// SPDX-License-Identifier: Apache-2.0
// [[route]] Which way mail leaves: by recipient's domain, sender or account. The first entry that fits decides; without one mail
// goes to the smart host of [outbound], or straight to the recipients' servers.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/endpoint.h"
#include "config/route_domain.h"

namespace postern::config {

/// A sender: "alice@example.org", "example.org", ".example.org", or "<>" for notices.
struct RouteSender {
  std::string text;
  static Result<RouteSender> parse(std::string_view text);
  const std::string& to_string() const { return text; }
  /// `key` is the sender's lookup key, or "<>".
  bool fits(std::string_view key) const;
  bool operator==(const RouteSender&) const = default;
};

/// Where to: straight to the recipients' servers, to one host, or nowhere.
struct RouteTarget {
  enum class Kind : unsigned char { none, direct, host, reject };
  Kind kind = Kind::none;
  HostPort host;
  static Result<RouteTarget> parse(std::string_view text);
  std::string to_string() const;
  bool operator==(const RouteTarget&) const = default;
};

/// An address to send from; empty: what the system chooses.
struct RouteSource {
  std::string ip;
  static Result<RouteSource> parse(std::string_view text);
  const std::string& to_string() const { return ip; }
  bool operator==(const RouteSource&) const = default;
};

struct Route {
  /// `usual`: as [outbound] says. `verified`: with a certificate that proves the host's name or one of `names`.
  enum class Tls : unsigned char { usual, off, opportunistic, required, verified };
  /// Who looks up the address of a host behind the proxy.
  enum class ProxyNames : unsigned char { here, proxy };
  std::vector<RouteDomain> recipients;  ///< empty: any
  std::vector<RouteSender> senders;     ///< empty: any
  std::vector<std::string> accounts;    ///< logins; empty: any, also none
  RouteTarget via;
  RouteTarget fallback;  ///< tried when `via` takes nothing now
  unsigned port = 0;     ///< of "direct"; 0: outbound.port
  Tls tls = Tls::usual;
  std::vector<RouteDomain> names;  ///< that a certificate may prove instead of the host's
  std::string user;
  std::filesystem::path password_file;
  RouteSource source;
  HostPort proxy;  ///< SOCKS5 server that connects for us; empty: none
  ProxyNames proxy_names = ProxyNames::here;
  std::string proxy_user;
  std::filesystem::path proxy_password_file;
  std::string reason;  ///< of "reject", for the sender
  bool operator==(const Route&) const = default;
};

/// What is known of a message on its way.
struct Journey {
  std::string domain;  ///< of the recipients
  std::string sender;  ///< lookup key, or "<>"
  std::string login;   ///< of the account that submitted it; empty: none
};

/// The first entry that fits, or null.
const Route* find_route(const std::vector<Route>& routes, const Journey& journey);

}  // namespace postern::config
