// SPDX-License-Identifier: Apache-2.0
// Addresses as the configuration writes them: "192.0.2.1:25", "[2001:db8::1]:25", "mail.example.org:587", "192.0.2.0/24".
// Values without I/O and without sockets; ip texts are canonical (inet_ntop), so that equal addresses compare equal.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace postern::config {

/// An IP address and a port.
struct Endpoint {
  std::string ip;          ///< "192.0.2.1" or "2001:db8::1"
  std::uint16_t port = 0;  ///< 0 lets the system choose, which only tests want
  /// Port needed. Error invalid says what to write instead.
  static Result<Endpoint> parse(std::string_view text);
  /// As parse(), but the port may be missing: "192.0.2.1", "[2001:db8::1]", "2001:db8::1".
  static Result<Endpoint> parse(std::string_view text, std::uint16_t default_port);
  std::string to_string() const;
  bool operator==(const Endpoint&) const = default;
};

/// A host name or IP address and a port; empty when the option is not set.
struct HostPort {
  std::string host;  ///< canonical domain ("mail.example.org") or IP address
  std::uint16_t port = 0;
  /// "" gives an empty HostPort, "host:port" a full one.
  static Result<HostPort> parse(std::string_view text);
  bool empty() const { return host.empty(); }
  std::string to_string() const;
  bool operator==(const HostPort&) const = default;
};

/// A network in CIDR notation. IPv4 is kept as ::ffff:a.b.c.d, so that one comparison serves both families.
class Network {
 public:
  /// "192.0.2.0/24", "2001:db8::/32", or one address. Error invalid when bits after the prefix are set.
  static Result<Network> parse(std::string_view text);
  /// True when the address (either family, also "::ffff:192.0.2.1") lies in the network; false for text that is no address.
  bool contains(std::string_view ip) const;
  std::string to_string() const;
  bool operator==(const Network&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  unsigned prefix_ = 128;  ///< bits of bytes_ that count
};

}  // namespace postern::config
