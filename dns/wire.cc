// SPDX-License-Identifier: Apache-2.0
// Readers and writers of record data.
#include "dns/wire.h"

#include "base/ascii.h"

namespace postern::dns {

namespace {

constexpr std::size_t longest_label = 63;
constexpr std::size_t longest_name = 255;

unsigned octet(char c) { return static_cast<unsigned char>(c); }

/// One label's octets as text.
void append_label(std::string& out, std::string_view label) {
  for (const char c : label) {
    if (ascii::is_vchar(c) && c != '.' && c != '\\')
      out.push_back(ascii::lower(c));
    else
      out += fmt::format("\\{:03}", octet(c));
  }
}

}  // namespace

// RFC 1035 §3.1: labels, each after its length; a zero length ends the name. No compression here.
std::optional<std::string> read_name(std::string_view data) {
  if (data.size() > longest_name) return std::nullopt;
  std::string out;
  while (!data.empty()) {
    const std::size_t length = octet(data.front());
    data.remove_prefix(1);
    if (length == 0) return data.empty() ? std::optional(out) : std::nullopt;
    if (length > longest_label || length > data.size()) return std::nullopt;
    if (!out.empty()) out.push_back('.');
    append_label(out, data.substr(0, length));
    data.remove_prefix(length);
  }
  return std::nullopt;
}

std::optional<IpAddress> read_address(std::string_view data) {
  IpAddress::Bytes bytes{};
  if (data.size() != 4 && data.size() != bytes.size()) return std::nullopt;
  std::copy(data.begin(), data.end(), bytes.begin());
  if (data.size() == 4) return IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]});
  return IpAddress::v6(bytes);
}

std::optional<Mx> read_mx(std::string_view data) {
  if (data.size() < 3) return std::nullopt;
  auto host = read_name(data.substr(2));
  if (!host) return std::nullopt;
  return Mx{static_cast<std::uint16_t>(octet(data[0]) << 8U | octet(data[1])), std::move(*host)};
}

std::optional<std::string> read_txt(std::string_view data) {
  if (data.empty()) return std::nullopt;
  std::string out;
  while (!data.empty()) {
    const std::size_t length = octet(data.front());
    if (length > data.size() - 1) return std::nullopt;
    out += data.substr(1, length);
    data.remove_prefix(length + 1);
  }
  return out;
}

std::optional<Tlsa> read_tlsa(std::string_view data) {
  if (data.size() < 4) return std::nullopt;
  const auto number = [data](std::size_t i) { return static_cast<std::uint8_t>(octet(data[i])); };
  return Tlsa{number(0), number(1), number(2), std::string(data.substr(3))};
}

Result<std::string> write_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string out;
  while (!name.empty()) {
    const std::size_t dot = std::min(name.find('.'), name.size());
    const std::string_view label = name.substr(0, dot);
    if (label.empty() || label.size() > longest_label) return fail(ErrorKind::invalid, "a label has 1 to 63 octets");
    out.push_back(static_cast<char>(label.size()));
    out += label;
    name.remove_prefix(std::min(name.size(), dot + 1));
  }
  out.push_back('\0');
  if (out.size() > longest_name) return fail(ErrorKind::invalid, "a name has at most 253 octets");
  return out;
}

}  // namespace postern::dns
