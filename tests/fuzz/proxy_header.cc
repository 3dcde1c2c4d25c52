// SPDX-License-Identifier: Apache-2.0
// Any octets as a PROXY header: no crash, never longer than the input, and no shorter prefix is a header already.
#include "net/proxy_protocol.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  const auto header = postern::net::parse_proxy_header(octets);
  if (!header || !*header) return 0;
  const std::size_t length = (*header)->length;
  if (length > size) std::abort();
  const auto shorter = postern::net::parse_proxy_header(octets.substr(0, length - 1));
  if (!shorter || *shorter) std::abort();
  return 0;
}
