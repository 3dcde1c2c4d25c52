// SPDX-License-Identifier: Apache-2.0
// RFC 5321 §5.1, RFC 7505.
#include "outbound/route.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include "base/ascii.h"
#include "base/random.h"
#include "config/gate.h"
#include "config/way_out.h"
#include "outbound/reply_parser.h"

namespace postern::outbound {

namespace {

constexpr std::uint16_t smtp_port = 25;

mail::Outcome none(mail::Outcome::Kind kind, mail::Status status, std::string text) {
  mail::Outcome outcome;
  outcome.kind = kind;
  outcome.enhanced = status.enhanced;
  outcome.text = one_line(text);
  return outcome;
}

mail::Outcome no_answer(const std::string& name, std::string_view what, const std::string& why) {
  const mail::Status status{.code = 451, .enhanced = {4, 4, 3}, .text = {}};
  return none(mail::Outcome::Kind::deferred, status, fmt::format("DNS gave no answer about {} of {}: {}", what, name, why));
}

mail::Outcome never(mail::EnhancedStatus enhanced, std::string text) {
  return none(mail::Outcome::Kind::failed, {.code = 0, .enhanced = enhanced, .text = {}}, std::move(text));
}

/// "[192.0.2.1]" or "[2001:db8::1]" as mail::Address::domain_text writes literals.
std::optional<IpAddress> literal_of(std::string_view domain) {
  if (!domain.starts_with('[') || !domain.ends_with(']')) return std::nullopt;
  std::string_view inner = domain.substr(1, domain.size() - 2);
  if (ascii::istarts_with(inner, "IPv6:")) inner.remove_prefix(5);
  auto address = IpAddress::parse(inner);
  return address ? std::optional(*address) : std::nullopt;
}

/// RFC 5321 §5.1: equal preferences are to be mixed, so that load spreads.
void mix_equal_preferences(std::vector<dns::Mx>& records) {
  std::ranges::sort(records, {}, &dns::Mx::preference);
  for (std::size_t begin = 0; begin < records.size();) {
    std::size_t end = begin;
    while (end < records.size() && records[end].preference == records[begin].preference) ++end;
    for (std::size_t i = end - begin; i > 1; --i) {
      std::swap(records[begin + i - 1], records[begin + random::below(static_cast<std::uint32_t>(i))]);
    }
    begin = end;
  }
}

/// The wanted family first, the order within each kept.
std::vector<IpAddress> order_families(std::vector<IpAddress> addresses, config::Family first) {
  std::vector<IpAddress> out;
  out.reserve(addresses.size());
  const auto take = [&](bool v6) {
    std::ranges::copy_if(addresses, std::back_inserter(out), [v6](const IpAddress& one) { return one.is_v6() == v6; });
  };
  take(first == config::Family::ipv6);
  take(first != config::Family::ipv6);
  return out;
}

}  // namespace

Router::Router(dns::Resolver& resolver, std::vector<IpAddress> own_addresses)
    : resolver_(resolver), own_addresses_(std::move(own_addresses)) {}

bool Router::is_ours(const std::string& host, const config::Config& config) const {
  return ascii::iequals(host, config.server.hostname) || ascii::iequals(host, config.helo());
}

std::string Router::refusal(const IpAddress& address, const config::Config& config) const {
  if (address.is_unspecified() || address.is_multicast()) return "no address of a host";
  if (config.outbound.allow_private_targets) return {};
  if (address.is_loopback() || address.is_link_local() || address.is_private()) return "a private address";
  if (std::ranges::find(own_addresses_, address) != own_addresses_.end()) return "our own address";
  return {};
}

Router::Found<std::vector<Hop>> Router::from_mx(std::vector<dns::Mx> records, const std::string& domain,
                                                const config::Config& config) const {
  // RFC 7505 §3
  if (std::ranges::any_of(records, [](const dns::Mx& one) { return one.host.empty() || one.host == "."; }) &&
      records.size() == 1) {
    return std::unexpected(never(mail::status::null_mx.enhanced, "The domain " + domain + " accepts no mail (null MX)"));
  }
  std::erase_if(records, [](const dns::Mx& one) { return one.host.empty(); });
  mix_equal_preferences(records);
  const auto us = std::ranges::find_if(records, [&](const dns::Mx& one) { return is_ours(one.host, config); });
  if (us != records.end()) {
    // RFC 5321 §5.1: hosts of our own preference and worse ones are not to be used.
    const auto preference = us->preference;
    std::erase_if(records, [preference](const dns::Mx& one) { return one.preference >= preference; });
  }
  if (records.empty()) {
    return std::unexpected(never({5, 4, 6}, "The MX of " + domain + " is this server, which does not take its mail: a loop"));
  }
  if (records.size() > max_hosts) records.resize(max_hosts);
  std::vector<Hop> hops;
  for (auto& one : records) {
    Hop hop{std::move(one.host), static_cast<std::uint16_t>(config.outbound.port), {}, false, {}};
    hop.domain = domain;
    hops.push_back(std::move(hop));
  }
  return hops;
}

async::Task<Router::Found<std::vector<Hop>>> Router::hops(std::string domain, std::shared_ptr<const config::Config> config) {
  config::Journey journey{.domain = std::move(domain), .sender = "<>", .login = {}};
  co_return co_await hops(std::move(journey), std::move(config));
}

async::Task<Router::Found<std::vector<Hop>>> Router::by_target(config::RouteTarget target, Entry route, std::string domain,
                                                               std::shared_ptr<const config::Config> config) {
  if (target.kind == config::RouteTarget::Kind::host) {
    Hop hop{target.host.host, target.host.port, {}, false, {}};
    if (const auto address = IpAddress::parse(target.host.host)) hop.address = *address;
    hop.route = std::move(route);
    hop.chosen = true;
    co_return std::vector<Hop>{std::move(hop)};
  }
  auto hops = co_await mx_hops(std::move(domain), std::move(config));
  if (!hops) co_return hops;
  for (auto& hop : *hops) {
    if (route->port != 0) hop.port = static_cast<std::uint16_t>(route->port);
    hop.route = route;
  }
  co_return hops;
}

async::Task<Router::Found<std::vector<Hop>>> Router::by_route(Entry route, std::string domain,
                                                              std::shared_ptr<const config::Config> config) {
  using Kind = config::RouteTarget::Kind;
  if (route->via.kind == Kind::reject) {
    const auto text = route->reason.empty() ? "Mail to " + domain + " is not sent from here" : route->reason;
    // RFC 3463 §3.8: 5.7.1 delivery not authorised.
    co_return std::unexpected(never({5, 7, 1}, text));
  }
  auto first = co_await by_target(route->via, route, domain, config);
  const bool more = route->fallback.kind == Kind::direct || route->fallback.kind == Kind::host;
  if (!more || (!first && first.error().kind == mail::Outcome::Kind::failed)) co_return first;
  auto second = co_await by_target(route->fallback, route, std::move(domain), std::move(config));
  if (!second) co_return first;
  for (auto& hop : *second) hop.fallback = true;
  if (!first) co_return second;
  first->insert(first->end(), std::make_move_iterator(second->begin()), std::make_move_iterator(second->end()));
  co_return first;
}

async::Task<Router::Found<std::vector<Hop>>> Router::hops(config::Journey journey, std::shared_ptr<const config::Config> config) {
  auto domain = journey.domain;
  // A route of our own goes before the smart host: it leads inward.
  if (const auto* entry = config::find_relay(config->gate->relays, domain)) {
    auto relay = std::make_shared<const config::Relay>(*entry);
    if (relay->host.empty()) {
      const auto at = domain.find('@');
      auto hops = co_await mx_hops(at == std::string::npos ? domain : domain.substr(at + 1), config);
      if (hops) std::ranges::for_each(*hops, [&](Hop& hop) { hop.relay = relay; });
      co_return hops;
    }
    Hop hop{relay->host.host, relay->host.port, {}, false, relay};
    if (const auto address = IpAddress::parse(relay->host.host)) hop.address = *address;
    co_return std::vector<Hop>{std::move(hop)};
  }
  if (domain.contains('@')) {
    const mail::Status status{.code = 451, .enhanced = {4, 4, 4}, .text = {}};
    co_return std::unexpected(none(mail::Outcome::Kind::deferred, status, "No [[relay]] entry leads to " + domain + " any more"));
  }
  if (const auto* entry = config::find_route(config->way_out->routes, journey)) {
    co_return co_await by_route(std::make_shared<const config::Route>(*entry), std::move(domain), std::move(config));
  }
  if (const auto& smart = config->outbound.smart_host; !smart.empty()) {
    const auto address = IpAddress::parse(smart.host);
    Hop hop{smart.host, smart.port == 0 ? smtp_port : smart.port, {}, true, {}};
    if (address) hop.address = *address;
    co_return std::vector<Hop>{std::move(hop)};
  }
  co_return co_await mx_hops(std::move(domain), std::move(config));
}

async::Task<Router::Found<std::vector<Hop>>> Router::mx_hops(std::string domain, std::shared_ptr<const config::Config> config) {
  const auto port = static_cast<std::uint16_t>(config->outbound.port);
  if (domain.starts_with('[')) {
    const auto address = literal_of(domain);
    if (!address) co_return std::unexpected(never({5, 1, 2}, "No address that mail can be sent to: " + domain));
    co_return std::vector<Hop>{Hop{address->to_string(), port, *address, false, {}}};
  }
  auto answer = co_await resolver_.mx(domain);
  if (dns::is_temporary(answer.status)) co_return std::unexpected(no_answer(domain, "the mail servers", answer.text));
  if (answer.status == dns::Status::nxdomain)
    co_return std::unexpected(never({5, 1, 2}, "The domain " + domain + " does not exist"));
  if (answer.ok()) {
    auto hops = from_mx(std::move(answer.records), domain, *config);
    if (hops) std::ranges::for_each(*hops, [&answer](Hop& hop) { hop.secure = answer.secure; });
    co_return hops;
  }
  // No MX: the domain itself is the host (RFC 5321 §5.1).
  if (is_ours(domain, *config)) co_return std::unexpected(never({5, 4, 6}, "The host of " + domain + " is this server: a loop"));
  Hop hop{domain, port, {}, false, {}};
  hop.secure = answer.secure;
  hop.domain = std::move(domain);
  co_return std::vector<Hop>{std::move(hop)};
}

/// A host that leads back to our own port 25 is a loop, whoever named it; another port may be a filter of this machine.
bool Router::is_our_port(const net::Endpoint& endpoint, const config::Config& config) const {
  const bool here = endpoint.address.is_loopback() || std::ranges::find(own_addresses_, endpoint.address) != own_addresses_.end();
  return here && std::ranges::any_of(config.listen.smtp, [&](const auto& ours) { return ours.port == endpoint.port; });
}

async::Task<Router::Found<std::vector<net::Endpoint>>> Router::endpoints(Hop hop, std::shared_ptr<const config::Config> config) {
  std::vector<IpAddress> addresses;
  if (hop.address) {
    addresses.push_back(*hop.address);
  } else {
    auto answer = co_await resolver_.addresses(hop.name);
    if (dns::is_temporary(answer.status)) co_return std::unexpected(no_answer(hop.name, "the address", answer.text));
    // RFC 3463 §3.5: 5.4.4 unable to route.
    if (!answer.ok()) co_return std::unexpected(never({5, 4, 4}, "The mail server " + hop.name + " has no address"));
    addresses = std::move(answer.records);
  }
  addresses = order_families(std::move(addresses), config->outbound.prefer);
  std::vector<net::Endpoint> out;
  std::string why;
  for (const auto& one : addresses) {
    // The smart host and a relay's host are the admin's own choice and may be anywhere.
    const bool chosen = hop.smart_host || hop.chosen || (hop.relay && !hop.relay->host.empty());
    std::string refused = chosen ? std::string() : refusal(one, *config);
    if (chosen && is_our_port({one, hop.port}, *config)) refused = "which is this server: a loop";
    if (refused.empty() && out.size() < max_addresses) out.push_back({one, hop.port});
    if (!refused.empty()) why = fmt::format("{} has the address {}, {}", hop.name, one.to_string(), refused);
  }
  if (out.empty()) co_return std::unexpected(never({5, 4, 4}, why));
  co_return out;
}

std::vector<IpAddress> interface_addresses() {
  std::vector<IpAddress> out;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return out;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, ::freeifaddrs);
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr) continue;
    if (at->ifa_addr->sa_family == AF_INET) {
      std::array<std::uint8_t, 4> bytes{};
      std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr, bytes.size());
      out.push_back(IpAddress::v4(bytes));
    } else if (at->ifa_addr->sa_family == AF_INET6) {
      IpAddress::Bytes bytes{};
      std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(at->ifa_addr)->sin6_addr, bytes.size());
      out.push_back(IpAddress::v6(bytes));
    }
  }
  return out;
}

}  // namespace postern::outbound
