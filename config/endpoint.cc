// SPDX-License-Identifier: Apache-2.0
// Readers of addresses; inet_pton decides what an address is.
#include "config/endpoint.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <optional>

#include "base/cursor.h"
#include "mail/domain.h"

namespace postern::config {
namespace {

constexpr unsigned mapped_bits = 96;  // ::ffff:0:0/96, RFC 4291 §2.5.5.2
constexpr std::uint64_t max_port = 65535;

using IpBytes = std::array<std::uint8_t, 16>;

struct Ip {
  IpBytes bytes{};
  bool is_v4 = false;
};

Ip mapped(const in_addr& v4) {
  Ip ip;
  ip.is_v4 = true;
  ip.bytes[10] = ip.bytes[11] = 0xff;
  std::memcpy(ip.bytes.data() + 12, &v4, sizeof v4);
  return ip;
}

std::optional<Ip> read_ip(std::string_view text) {
  const std::string copy(text);
  if (copy.find('\0') != std::string::npos) return std::nullopt;
  in_addr v4{};
  if (::inet_pton(AF_INET, copy.c_str(), &v4) == 1) return mapped(v4);
  Ip ip;
  if (::inet_pton(AF_INET6, copy.c_str(), ip.bytes.data()) == 1) return ip;
  return std::nullopt;
}

std::string show_ip(const Ip& ip) {
  std::array<char, INET6_ADDRSTRLEN> out{};
  ::inet_ntop(ip.is_v4 ? AF_INET : AF_INET6, ip.bytes.data() + (ip.is_v4 ? 12 : 0), out.data(), out.size());
  return out.data();
}

bool is_mapped(const IpBytes& bytes) {
  static constexpr std::array<std::uint8_t, 12> head = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(head.begin(), head.end(), bytes.begin());
}

std::string join(const std::string& host, std::uint16_t port) {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

struct Split {
  std::string_view host;
  std::optional<std::uint16_t> port;  ///< nothing when the text has none
};

/// host [ ":" port ] / "[" ip6 "]" [ ":" port ]; a bare IPv6 address has no port.
std::optional<Split> split(std::string_view text) {
  Split out;
  Cursor in(text);
  if (in.take('[')) {
    out.host = in.take_until(']');
    if (!in.take(']')) return std::nullopt;
  } else {
    out.host = text.find(':') == text.rfind(':') ? in.take_until(':') : in.take_n(text.size());
  }
  if (in.at_end()) return out;
  if (!in.take(':')) return std::nullopt;
  const auto port = in.take_number(max_port);
  if (!port || !in.at_end()) return std::nullopt;
  out.port = static_cast<std::uint16_t>(*port);
  return out;
}

std::unexpected<Error> bad_endpoint(std::string_view text) {
  return fail(ErrorKind::invalid,
              fmt::format("\"{}\" is no address with port; write \"192.0.2.1:25\" or \"[2001:db8::1]:25\"", text));
}

Result<Endpoint> read_endpoint(std::string_view text, std::optional<std::uint16_t> default_port) {
  const auto parts = split(text);
  if (!parts || (!parts->port && !default_port)) return bad_endpoint(text);
  const auto ip = read_ip(parts->host);
  if (!ip) return bad_endpoint(text);
  return Endpoint{show_ip(*ip), parts->port ? *parts->port : *default_port};
}

/// True when every bit from the given one on is zero.
bool is_zero_from(const IpBytes& bytes, unsigned bit) {
  for (; bit < 128; ++bit) {
    if ((bytes[bit / 8] & (0x80 >> bit % 8)) != 0) return false;
  }
  return true;
}

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view text) { return read_endpoint(text, std::nullopt); }

Result<Endpoint> Endpoint::parse(std::string_view text, std::uint16_t default_port) { return read_endpoint(text, default_port); }

std::string Endpoint::to_string() const { return join(ip, port); }

Result<HostPort> HostPort::parse(std::string_view text) {
  if (text.empty()) return HostPort{};
  const auto parts = split(text);
  if (!parts || !parts->port)
    return fail(ErrorKind::invalid, fmt::format("\"{}\" is no host with port; write \"mail.example.org:587\"", text));
  if (const auto ip = read_ip(parts->host)) return HostPort{show_ip(*ip), *parts->port};
  const auto name = mail::Domain::parse(parts->host);
  if (!name) return fail(ErrorKind::invalid, name.error().text + "; write \"mail.example.org:587\"");
  return HostPort{name->ascii(), *parts->port};
}

std::string HostPort::to_string() const { return empty() ? std::string() : join(host, port); }

Result<Network> Network::parse(std::string_view text) {
  const auto bad = [text] {
    return fail(ErrorKind::invalid, fmt::format("\"{}\" is no network; write \"192.0.2.0/24\" or \"2001:db8::/32\"", text));
  };
  Cursor in(text);
  const auto ip = read_ip(in.take_until('/'));
  if (!ip) return bad();
  const unsigned head = ip->is_v4 ? mapped_bits : 0;
  Network out;
  out.bytes_ = ip->bytes;
  if (in.take('/')) {
    const auto bits = in.take_number(128 - head);
    if (!bits || !in.at_end()) return bad();
    out.prefix_ = static_cast<unsigned>(*bits) + head;
  }
  if (!is_zero_from(out.bytes_, out.prefix_))
    return fail(ErrorKind::invalid,
                fmt::format("\"{}\" has bits set after its prefix; write the first address of the network", text));
  return out;
}

bool Network::contains(std::string_view ip) const {
  const auto other = read_ip(ip);
  if (!other) return false;
  IpBytes difference;
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] = static_cast<std::uint8_t>(bytes_[i] ^ other->bytes[i]);
  for (unsigned bit = 0; bit < prefix_; ++bit) {
    if ((difference[bit / 8] & (0x80 >> bit % 8)) != 0) return false;
  }
  return true;
}

std::string Network::to_string() const {
  const bool is_v4 = is_mapped(bytes_) && prefix_ >= mapped_bits;
  return fmt::format("{}/{}", show_ip({bytes_, is_v4}), prefix_ - (is_v4 ? mapped_bits : 0));
}

}  // namespace postern::config
