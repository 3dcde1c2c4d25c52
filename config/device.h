// SPDX-License-Identifier: Apache-2.0
// [device] The listener for printers, scanners, cameras and disk boxes that cannot log in. As in config.h, one field for each
// key, the initialisers are the defaults. Without `listen` there is none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/endpoint.h"
#include "mail/address.h"

namespace postern::config {

/// Addresses: "scanner@example.org", "@example.org" for all of one domain, or "*" for any.
struct DevicePattern {
  std::string text;
  static Result<DevicePattern> parse(std::string_view text);
  const std::string& to_string() const { return text; }
  bool fits(const mail::Address& address) const;
  bool operator==(const DevicePattern&) const = default;
};

struct Device {
  /// The oldest TLS that is spoken there. Below 1.2 is broken cryptography, for machines that know nothing else.
  enum class Tls : unsigned char { tls1_0, tls1_1, tls1_2, tls1_3 };
  std::vector<Endpoint> listen;
  std::vector<Network> networks;
  std::vector<DevicePattern> senders;     ///< empty: any address of our domains
  std::vector<DevicePattern> recipients;  ///< empty: our own addresses only
  std::uint64_t message_bytes = 50ULL * 1024 * 1024;
  unsigned recipients_max = 20;      ///< of one message
  unsigned messages_per_hour = 200;  ///< of one device
  unsigned messages_per_day = 2000;
  Tls tls_least = Tls::tls1_2;
  bool operator==(const Device&) const = default;
};

}  // namespace postern::config
