// SPDX-License-Identifier: Apache-2.0
// Endpoint: text in both directions.
#include "net/ip_address.h"

#include "base/cursor.h"

namespace postern::net {

std::string to_string(const Endpoint& endpoint) {
  const std::string address = endpoint.address.to_string();
  return (endpoint.address.is_v4() ? address : "[" + address + "]") + ":" + std::to_string(endpoint.port);
}

// endpoint = ( IPv4 / "[" IPv6 "]" ) ":" port
Result<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(ErrorKind::invalid, "an address needs a port: ADDRESS:PORT");
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  auto address = IpAddress::parse(host);
  if (!address) return std::unexpected(address.error());
  if (host.find(':') != std::string_view::npos && !bracketed)
    return fail(ErrorKind::invalid, "an IPv6 address with a port needs brackets: [ADDRESS]:PORT");
  Cursor in(text.substr(colon + 1));
  const auto port = in.take_number(UINT16_MAX);
  if (!port || !in.at_end()) return fail(ErrorKind::invalid, "a port is a number from 0 to 65535");
  return Endpoint{*address, static_cast<std::uint16_t>(*port)};
}

}  // namespace postern::net
