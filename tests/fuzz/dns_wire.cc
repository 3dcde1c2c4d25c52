// SPDX-License-Identifier: Apache-2.0
// Any octets as record data (security.md D53): no reader crashes, and a name that is read can be written in 255 octets.
#include "dns/wire.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace dns = postern::dns;
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  const auto name = dns::read_name(octets);
  if (name && name->find('\\') == std::string::npos && !dns::write_name(*name)) std::abort();
  const auto mx = dns::read_mx(octets);
  if (mx && size < 3) std::abort();
  const auto text = dns::read_txt(octets);
  if (text && text->size() >= size) std::abort();
  const auto tlsa = dns::read_tlsa(octets);
  if (tlsa && tlsa->data.size() + 3 != size) std::abort();
  const auto address = dns::read_address(octets);
  if (address && postern::IpAddress::parse(address->to_string()) != address) std::abort();
  if (const auto wire = dns::write_name(octets); wire && wire->size() > 255) std::abort();
  return 0;
}
