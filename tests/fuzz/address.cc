// SPDX-License-Identifier: Apache-2.0
// Any octets as a Mailbox: no crash, and what is taken says itself again in the same form.
#include "mail/address.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using postern::mail::Address;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto address = Address::parse(text);
  if (!address) return 0;
  if (Address::parse(address->to_string()) != address) std::abort();
  if (address->to_string().size() > Address::max_path) std::abort();
  if (address->lookup_key().empty() || address->to_unicode().empty()) std::abort();
  return 0;
}
