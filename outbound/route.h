// SPDX-License-Identifier: Apache-2.0
// Router: which hosts take the mail of a domain, in which order, and at which addresses.
//
// Rules: the way of the first [[route]] that fits; else the smart host when one is configured; an address literal as it stands;
// otherwise the MX records by preference, equal ones in random order, or the domain itself when there are none (RFC 5321 §5.1). A
// domain with a null MX takes no mail (RFC 7505). Where we are among the hosts ourselves, only better ones are used: the rest
// would be a loop. security.md D56: addresses that are ours, loopback, link-local, private, multicast or unspecified are refused
// unless the configuration allows private targets; D57: at most max_hosts hosts and max_addresses addresses.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "config/config.h"
#include "config/relay.h"
#include "config/route.h"
#include "dns/resolver.h"
#include "mail/outcome.h"
#include "net/ip_address.h"

namespace postern::outbound {

inline constexpr std::size_t max_hosts = 20;
inline constexpr std::size_t max_addresses = 20;

/// One host to be tried.
struct Hop {
  std::string name;  ///< host name, or an address
  std::uint16_t port = 25;
  std::optional<IpAddress> address;  ///< when there is nothing to look up
  bool smart_host = false;
  std::shared_ptr<const config::Relay> relay;            ///< the entry of [[relay]] that leads here; null: none
  std::shared_ptr<const config::Route> route = nullptr;  ///< the entry of [[route]] that leads here; null: none
  bool chosen = false;                                   ///< the host is named in `route`
  bool fallback = false;                                 ///< of `route`
  bool secure = false;                                   ///< DNSSEC proves that the recipient's domain names this host
  std::string domain{};                                  ///< the recipient's, when its MX records or its own address led here
};

class Router {
 public:
  template <class T>
  using Found = std::expected<T, mail::Outcome>;

  /// `own_addresses`: those of this machine, on which our own port 25 listens.
  Router(dns::Resolver& resolver, std::vector<IpAddress> own_addresses);

  /// At least one host, best first. The outcome says why there is none: failed when that is final, deferred when DNS may know
  /// better later. `domain` is in A-labels, or "[address]", or the
  /// address of a recipient that [[relay]] names.
  async::Task<Found<std::vector<Hop>>> hops(std::string domain, std::shared_ptr<const config::Config> config);
  /// The same for a message whose sender and account are known: [[route]] may choose another way.
  async::Task<Found<std::vector<Hop>>> hops(config::Journey journey, std::shared_ptr<const config::Config> config);
  /// The addresses of one host, at least one, at most max_addresses.
  async::Task<Found<std::vector<net::Endpoint>>> endpoints(Hop hop, std::shared_ptr<const config::Config> config);

  /// Why mail may not go to this address; empty when it may.
  std::string refusal(const IpAddress& address, const config::Config& config) const;

 private:
  using Entry = std::shared_ptr<const config::Route>;
  async::Task<Found<std::vector<Hop>>> by_route(Entry route, std::string domain, std::shared_ptr<const config::Config> config);
  async::Task<Found<std::vector<Hop>>> by_target(config::RouteTarget target, Entry route, std::string domain,
                                                 std::shared_ptr<const config::Config> config);
  bool is_our_port(const net::Endpoint& endpoint, const config::Config& config) const;
  async::Task<Found<std::vector<Hop>>> mx_hops(std::string domain, std::shared_ptr<const config::Config> config);
  bool is_ours(const std::string& host, const config::Config& config) const;
  Found<std::vector<Hop>> from_mx(std::vector<dns::Mx> records, const std::string& domain, const config::Config& config) const;

  dns::Resolver& resolver_;
  std::vector<IpAddress> own_addresses_;
};

/// Addresses of this machine's interfaces.
std::vector<IpAddress> interface_addresses();

}  // namespace postern::outbound
