// SPDX-License-Identifier: Apache-2.0
// Values of [[route]], and its rows in the table of options.
#include "config/route.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.h"
#include "config/option.h"
#include "config/way_out.h"
#include "mail/address.h"

namespace postern::config {

namespace {

/// "example.com" or ".example.com" in canonical form.
Result<std::string> domain_pattern(std::string_view text) {
  const bool below = text.starts_with('.');
  const auto domain = mail::Domain::parse(below ? text.substr(1) : text);
  if (!domain) {
    return fail(ErrorKind::invalid,
                fmt::format("\"{}\" is no domain; write \"example.com\", or \".example.com\" for all below it", text));
  }
  return (below ? "." : "") + domain->ascii();
}

bool fits_domain(std::string_view pattern, std::string_view domain) {
  return pattern.starts_with('.') ? domain.ends_with(pattern) : domain == pattern;
}

constexpr std::uint16_t smtp_port = 25;

}  // namespace

Result<RouteDomain> RouteDomain::parse(std::string_view text) {
  auto pattern = domain_pattern(text);
  if (!pattern) return std::unexpected(pattern.error());
  return RouteDomain{std::move(*pattern)};
}

bool RouteDomain::fits(std::string_view domain) const { return fits_domain(text, domain); }

Result<RouteSender> RouteSender::parse(std::string_view text) {
  if (text == "<>") return RouteSender{"<>"};
  if (text.find('@') != std::string_view::npos) {
    const auto address = mail::Address::parse(text);
    if (!address) return std::unexpected(address.error());
    return RouteSender{address->lookup_key()};
  }
  auto pattern = domain_pattern(text);
  if (!pattern) return std::unexpected(pattern.error());
  return RouteSender{std::move(*pattern)};
}

bool RouteSender::fits(std::string_view key) const {
  if (text == "<>" || text.find('@') != std::string::npos) return text == key;
  const auto at = key.rfind('@');
  return at != std::string_view::npos && fits_domain(text, key.substr(at + 1));
}

Result<RouteTarget> RouteTarget::parse(std::string_view text) {
  if (text.empty()) return RouteTarget{};
  if (text == "direct") return RouteTarget{Kind::direct, {}};
  if (text == "reject") return RouteTarget{Kind::reject, {}};
  auto host =
      HostPort::parse(text.find(':') == std::string_view::npos ? fmt::format("{}:{}", text, smtp_port) : std::string(text));
  if (!host || host->port == 0) {
    return fail(
        ErrorKind::invalid,
        fmt::format("\"{}\" is not possible; write \"direct\", \"reject\" or a host such as \"smtp.provider.example:587\"",
                    text));
  }
  return RouteTarget{Kind::host, std::move(*host)};
}

std::string RouteTarget::to_string() const {
  switch (kind) {
    case Kind::none: return {};
    case Kind::direct: return "direct";
    case Kind::reject: return "reject";
    case Kind::host: break;
  }
  return host.to_string();
}

Result<RouteSource> RouteSource::parse(std::string_view text) {
  if (text.empty()) return RouteSource{};
  const auto endpoint = Endpoint::parse(text, smtp_port);
  if (!endpoint) return fail(ErrorKind::invalid, fmt::format("\"{}\" is no address of this machine; write \"192.0.2.25\"", text));
  return RouteSource{endpoint->ip};
}

const Route* find_route(const std::vector<Route>& routes, const Journey& journey) {
  const auto any = [](const auto& list, std::string_view value) {
    return list.empty() || std::ranges::any_of(list, [value](const auto& one) { return one.fits(value); });
  };
  const auto found = std::ranges::find_if(routes, [&](const Route& route) {
    const bool account = route.accounts.empty() || std::ranges::any_of(route.accounts, [&](const std::string& one) {
                           return !journey.login.empty() && ascii::iequals(one, journey.login);
                         });
    return account && any(route.recipients, journey.domain) && any(route.senders, journey.sender);
  });
  return found == routes.end() ? nullptr : &*found;
}

namespace {

void way_rows(Builder<Route>& rows) {
  rows.parsed(
          "via", &Route::via, RouteTarget::parse,
          "\"direct\" to the recipients' servers, a host (\"smtp.provider.example:587\"), or \"reject\": the sender gets the\n"
          "message back at once.")
      .parsed("fallback", &Route::fallback, RouteTarget::parse,
              "\"direct\" or a host that gets the mail when `via` cannot be reached. It is given no login.")
      .number("port", &Route::port, {0, 65535}, "With \"direct\": this port. 0: outbound.port.")
      .choice(
          "tls", &Route::tls,
          {{"usual", Route::Tls::usual},
           {"off", Route::Tls::off},
           {"opportunistic", Route::Tls::opportunistic},
           {"required", Route::Tls::required},
           {"verified", Route::Tls::verified}},
          "\"usual\": as in [outbound]. \"required\": encrypted or not at all. \"verified\": with a certificate that proves the\n"
          "host's name too, or one of `names`.")
      .parsed_list("names", &Route::names, RouteDomain::parse,
                   "Names that the other server's certificate may prove instead of its own.");
}

}  // namespace

Section route_section() {
  Builder<Route> rows(
      "route", [](Config& c) -> Route& { return c.way_out->routes.back(); },
      "Another way for some of the mail that leaves. The first entry that fits decides. Repeat for each.");
  rows.parsed_list("recipients", &Route::recipients, RouteDomain::parse,
                   "Domains of recipients: \"example.com\", or \".example.com\" for all below it. []: any.")
      .parsed_list("senders", &Route::senders, RouteSender::parse,
                   "Senders: \"alice@example.org\", \"example.org\", \".example.org\", or \"<>\" for notices. []: any.")
      .list("accounts", &Route::accounts, "Accounts that sent it, by login. []: any.");
  way_rows(rows);
  return rows.text("user", &Route::user, "Log in at the host of `via` with this name; empty: no login.")
      .path("password_file", &Route::password_file, "File with the password, readable by its owner only.")
      .parsed("source", &Route::source, RouteSource::parse,
              "An address of this machine to send from. Empty: what the system chooses.")
      .parsed("proxy", &Route::proxy, HostPort::parse,
              "Connect through this SOCKS5 server (RFC 1928): \"127.0.0.1:1080\". Empty: directly.")
      .choice("proxy_names", &Route::proxy_names, {{"here", Route::ProxyNames::here}, {"proxy", Route::ProxyNames::proxy}},
              "\"here\": we look up addresses, with DNSSEC and DANE. \"proxy\": the proxy is given host names.")
      .text("proxy_user", &Route::proxy_user, "Log in at the proxy with this name (RFC 1929); empty: no login.")
      .path("proxy_password_file", &Route::proxy_password_file, "File with the password, readable by its owner only.")
      .text("reason", &Route::reason, "With \"reject\": a sentence for the sender.")
      .repeated([](Config& c) { c.way_out->routes.emplace_back(); }, {"via"})
      .done();
}

}  // namespace postern::config
