// SPDX-License-Identifier: Apache-2.0
// Endpoint: an address and a port. IpAddress itself lives in base, because rooms without sockets need it too.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "base/ip_address.h"

namespace postern::net {

using postern::IpAddress;
using postern::IpNetwork;

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
  auto operator<=>(const Endpoint&) const = default;
};

/// "192.0.2.1:25" or "[2001:db8::1]:25".
std::string to_string(const Endpoint& endpoint);
/// The reverse of to_string; the port is required. Error: invalid.
Result<Endpoint> parse_endpoint(std::string_view text);

}  // namespace postern::net
