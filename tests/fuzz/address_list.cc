// SPDX-License-Identifier: Apache-2.0
// Address lists: groups are balanced, an address that is given can be written and read again, names hold no control characters.
#include "mime/address_list.h"

#include <cstdint>
#include <cstdlib>

#include "base/ascii.h"
#include "base/encoding.h"

using namespace postern;
using namespace postern::mime;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const AddressList list = parse_address_list({reinterpret_cast<const char*>(data), size});
  bool in_group = false;
  for (const AddressEntry& entry : list.entries) {
    if (entry.kind != AddressEntry::Kind::mailbox) {
      require(in_group == (entry.kind == AddressEntry::Kind::group_end));
      in_group = !in_group;
    }
    const std::string name = entry.display_name();
    require(is_utf8(name));
    for (const char c : name) require(!ascii::is_ctl(c) || c == '\t');
    const auto address = entry.address();
    if (!address) continue;
    const auto again = mail::Address::parse(address->to_string());
    require(again && *again == *address);
  }
  require(!in_group && list.mailboxes() <= max_addresses);
  return 0;
}
