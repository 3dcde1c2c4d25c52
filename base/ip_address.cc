// SPDX-License-Identifier: Apache-2.0
// IpAddress: parsing and formatting are inet_pton's and inet_ntop's; everything else is bits.
#include "base/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/cursor.h"

namespace postern {

namespace {

constexpr IpAddress::Bytes mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t mapped_prefix_length = 12;

}  // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);
  Bytes bytes{};
  const bool clean = text.find('\0') == std::string_view::npos;
  if (clean && inet_pton(AF_INET, copy.c_str(), bytes.data()) == 1) return v4({bytes[0], bytes[1], bytes[2], bytes[3]});
  if (clean && inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1) return v6(bytes);
  return fail(ErrorKind::invalid, "not an IP address: " + copy.substr(0, INET6_ADDRSTRLEN));
}

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> bytes) {
  IpAddress address;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

IpAddress IpAddress::v6(const Bytes& bytes) {
  if (std::equal(bytes.begin(), bytes.begin() + mapped_prefix_length, mapped_prefix.begin()))
    return v4({bytes[12], bytes[13], bytes[14], bytes[15]});
  IpAddress address;
  address.bytes_ = bytes;
  address.v4_ = false;
  return address;
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(v4_ ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
}

bool IpAddress::is_loopback() const {
  return v4_ ? bytes_[0] == 127 : *this == v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
}

bool IpAddress::is_unspecified() const { return bytes_ == Bytes{}; }

bool IpAddress::is_private() const {
  if (!v4_) return (bytes_[0] & 0xfe) == 0xfc;
  return bytes_[0] == 10 || (bytes_[0] == 172 && (bytes_[1] & 0xf0) == 16) || (bytes_[0] == 192 && bytes_[1] == 168) ||
         (bytes_[0] == 100 && (bytes_[1] & 0xc0) == 64);
}

bool IpAddress::is_link_local() const {
  if (v4_) return bytes_[0] == 169 && bytes_[1] == 254;
  return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

bool IpAddress::is_multicast() const {
  if (!v4_) return bytes_[0] == 0xff;
  return (bytes_[0] & 0xf0) == 0xe0 || *this == v4({255, 255, 255, 255});
}

IpAddress IpAddress::masked(int prefix) const {
  IpAddress out = *this;
  int left = std::clamp(prefix, 0, bits());
  for (auto& byte : out.bytes_) {
    const int keep = std::clamp(left, 0, 8);
    byte = static_cast<std::uint8_t>(byte & (0xff00 >> keep));
    left -= keep;
  }
  return out;
}

std::string IpAddress::reverse_name() const {
  constexpr char hex[] = "0123456789abcdef";
  std::string name;
  for (int i = bits() / 8 - 1; i >= 0; --i) {
    const unsigned byte = bytes_[static_cast<std::size_t>(i)];
    if (v4_) {
      name += std::to_string(byte) + ".";
    } else {
      name += {hex[byte & 15U], '.', hex[byte >> 4U], '.'};
    }
  }
  return name + (v4_ ? "in-addr.arpa" : "ip6.arpa");
}

// network = address [ "/" 1*3DIGIT ]
Result<IpNetwork> IpNetwork::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::unexpected(address.error());
  if (slash == std::string_view::npos) return IpNetwork(*address, address->bits());
  Cursor in(text.substr(slash + 1));
  const auto prefix = in.take_number(static_cast<std::uint64_t>(address->bits()));
  if (!prefix || !in.at_end()) return fail(ErrorKind::invalid, "not a prefix length: " + std::string(text.substr(0, 64)));
  const IpNetwork network(*address, static_cast<int>(*prefix));
  if (network.address() != *address)
    return fail(ErrorKind::invalid, "bits are set after the prefix; write " + network.to_string());
  return network;
}

bool IpNetwork::contains(const IpAddress& address) const {
  return address.is_v4() == address_.is_v4() && address.masked(prefix_) == address_;
}

std::string IpNetwork::to_string() const { return address_.to_string() + "/" + std::to_string(prefix_); }

}  // namespace postern
