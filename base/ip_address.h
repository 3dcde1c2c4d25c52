// SPDX-License-Identifier: Apache-2.0
// IpAddress: one IPv4 or IPv6 address as a value, without I/O. IPv4-mapped IPv6 addresses (::ffff:a.b.c.d) become IPv4
// at construction, so that one host has one spelling. Networks are an address and a prefix length.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace postern {

class IpAddress {
 public:
  using Bytes = std::array<std::uint8_t, 16>;

  /// 0.0.0.0
  IpAddress() = default;
  /// "192.0.2.1" or "2001:db8::1"; no zone, no brackets, no surrounding space. Error: invalid.
  static Result<IpAddress> parse(std::string_view text);
  static IpAddress v4(std::array<std::uint8_t, 4> bytes);
  /// Network byte order; a mapped address becomes IPv4.
  static IpAddress v6(const Bytes& bytes);

  bool is_v4() const { return v4_; }
  bool is_v6() const { return !v4_; }
  /// Network byte order: the first 4 of an IPv4 address, all 16 of an IPv6 address.
  const Bytes& bytes() const { return bytes_; }
  /// 32 or 128.
  int bits() const { return v4_ ? 32 : 128; }
  /// RFC 5952 for IPv6, dotted decimal for IPv4.
  std::string to_string() const;

  /// 127.0.0.0/8 or ::1.
  bool is_loopback() const;
  /// 0.0.0.0 or ::.
  bool is_unspecified() const;
  /// RFC 1918, RFC 6598 (100.64.0.0/10) and RFC 4193 (fc00::/7).
  bool is_private() const;
  /// RFC 3927 (169.254.0.0/16) and fe80::/10.
  bool is_link_local() const;
  /// 224.0.0.0/4, ff00::/8 or the IPv4 broadcast address.
  bool is_multicast() const;

  /// The address with all bits after `prefix` zero; prefix is clamped to 0–bits().
  IpAddress masked(int prefix) const;
  /// What counts as one host for limits: the address itself for IPv4, its /64 for IPv6.
  IpAddress host_key() const { return v4_ ? *this : masked(64); }
  /// What counts as one network for limits: /24 for IPv4, /48 for IPv6 (security.md §1.6).
  IpAddress network_key() const { return masked(v4_ ? 24 : 48); }
  /// The owner name of the PTR record, without final dot: "1.2.0.192.in-addr.arpa".
  std::string reverse_name() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  Bytes bytes_{};
  bool v4_ = true;
};

/// "192.0.2.0/24", "2001:db8::/32", or one address.
class IpNetwork {
 public:
  /// Error invalid, also when bits after the prefix are set.
  static Result<IpNetwork> parse(std::string_view text);
  IpNetwork(const IpAddress& address, int prefix) : address_(address.masked(prefix)), prefix_(prefix) {}
  bool contains(const IpAddress& address) const;
  const IpAddress& address() const { return address_; }
  int prefix() const { return prefix_; }
  std::string to_string() const;
  auto operator<=>(const IpNetwork&) const = default;

 private:
  IpAddress address_;
  int prefix_;
};

}  // namespace postern
