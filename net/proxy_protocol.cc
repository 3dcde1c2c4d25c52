// SPDX-License-Identifier: Apache-2.0
// PROXY protocol: a line of text (version 1) or a binary block (version 2).
#include "net/proxy_protocol.h"

#include "base/cursor.h"

namespace postern::net {

using std::string_view_literals::operator""sv;

namespace {

constexpr std::string_view signature_v1 = "PROXY ";
constexpr std::string_view signature_v2 = "\r\n\r\n\0\r\nQUIT\n"sv;
/// proxy-protocol.txt §2.1: the longest line with CRLF.
constexpr std::size_t longest_v1 = 107;
constexpr std::size_t fixed_v2 = 16;
/// Extensions (TLVs) beyond this are nothing that a proxy of ours sends.
constexpr std::size_t longest_v2 = 2048;

using Parsed = Result<std::optional<ProxyHeader>>;

unsigned octet(char c) { return static_cast<unsigned char>(c); }
unsigned number16(std::string_view at) { return octet(at[0]) << 8U | octet(at[1]); }

std::optional<Endpoint> endpoint(std::string_view address, std::optional<std::uint64_t> port, bool v4) {
  const auto ip = IpAddress::parse(address);
  const bool family_fits = v4 == (address.find(':') == std::string_view::npos);
  if (!ip || !port || !family_fits) return std::nullopt;
  return Endpoint{*ip, static_cast<std::uint16_t>(*port)};
}

// v1 = "PROXY" SP ( "UNKNOWN" *any / ( "TCP4" / "TCP6" ) SP source SP target SP source-port SP target-port ) CRLF
Parsed parse_v1(std::string_view octets) {
  const std::size_t end = octets.substr(0, longest_v1).find("\r\n");
  if (end == std::string_view::npos) {
    if (octets.size() >= longest_v1) return fail(ErrorKind::invalid, "the PROXY line is too long");
    return std::nullopt;
  }
  ProxyHeader header{.length = end + 2, .source = {}, .target = {}};
  Cursor in(octets.substr(signature_v1.size(), end - signature_v1.size()));
  if (in.take("UNKNOWN")) return header;
  const bool v4 = in.take("TCP4 ");
  if (!v4 && !in.take("TCP6 ")) return fail(ErrorKind::invalid, "the PROXY line names no protocol");
  const std::string_view source = in.take_until(' ');
  in.take(' ');
  const std::string_view target = in.take_until(' ');
  in.take(' ');
  const auto source_port = in.take_number(UINT16_MAX);
  const bool spaced = in.take(' ');
  const auto target_port = in.take_number(UINT16_MAX);
  header.source = endpoint(source, source_port, v4);
  header.target = endpoint(target, target_port, v4);
  if (!spaced || !in.at_end() || !header.source || !header.target) return fail(ErrorKind::invalid, "the PROXY line is malformed");
  return header;
}

Endpoint v4_endpoint(std::string_view address, std::string_view port) {
  std::array<std::uint8_t, 4> bytes{};
  std::copy_n(address.begin(), bytes.size(), bytes.begin());
  return {IpAddress::v4(bytes), static_cast<std::uint16_t>(number16(port))};
}

Endpoint v6_endpoint(std::string_view address, std::string_view port) {
  IpAddress::Bytes bytes{};
  std::copy_n(address.begin(), bytes.size(), bytes.begin());
  return {IpAddress::v6(bytes), static_cast<std::uint16_t>(number16(port))};
}

// proxy-protocol.txt §2.2: signature, version and command, family and protocol, length, addresses, extensions
Parsed parse_v2(std::string_view octets) {
  constexpr unsigned version = 2;
  constexpr unsigned command_local = 0;
  constexpr unsigned tcp_over_v4 = 0x11;
  constexpr unsigned tcp_over_v6 = 0x21;
  constexpr std::size_t v4_size = 12;
  constexpr std::size_t v6_size = 36;
  if (octets.size() < fixed_v2) return std::nullopt;
  const unsigned command = octet(octets[12]) & 15U;
  const unsigned family = octet(octets[13]);
  const std::size_t length = number16(octets.substr(14));
  if (octet(octets[12]) >> 4U != version || command > 1) return fail(ErrorKind::invalid, "an unknown PROXY version or command");
  if (length > longest_v2) return fail(ErrorKind::invalid, "the PROXY header is too long");
  if (octets.size() < fixed_v2 + length) return std::nullopt;
  ProxyHeader header{.length = fixed_v2 + length, .source = {}, .target = {}};
  if (command == command_local) return header;
  const std::string_view block = octets.substr(fixed_v2, length);
  if (family == tcp_over_v4 && block.size() >= v4_size) {
    header.source = v4_endpoint(block, block.substr(8));
    header.target = v4_endpoint(block.substr(4), block.substr(10));
  } else if (family == tcp_over_v6 && block.size() >= v6_size) {
    header.source = v6_endpoint(block, block.substr(32));
    header.target = v6_endpoint(block.substr(16), block.substr(34));
  } else {
    return fail(ErrorKind::invalid, "the PROXY header names no TCP address");
  }
  return header;
}

}  // namespace

Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view octets) {
  const auto fits = [octets](std::string_view signature) {
    return octets.substr(0, signature.size()) == signature.substr(0, octets.size());
  };
  if (fits(signature_v2)) return octets.size() < signature_v2.size() ? Parsed(std::nullopt) : parse_v2(octets);
  if (fits(signature_v1)) return octets.size() < signature_v1.size() ? Parsed(std::nullopt) : parse_v1(octets);
  return fail(ErrorKind::invalid, "a PROXY header was expected");
}

async::Task<Result<void>> read_proxy_header(Connection& connection) {
  for (;;) {
    const auto header = parse_proxy_header(connection.buffered());
    if (!header) co_return std::unexpected(header.error());
    if (*header) {
      if ((*header)->source) connection.set_peer(*(*header)->source);
      connection.consume((*header)->length);
      co_return Result<void>();
    }
    auto filled = co_await connection.fill();
    if (!filled) co_return std::unexpected(filled.error());
  }
}

}  // namespace postern::net
