// SPDX-License-Identifier: Apache-2.0
#include "mime/odd_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "mail/script.h"
#include "mime/address_list.h"
#include "mime/header.h"

namespace postern::mime {
namespace {

constexpr std::size_t max_findings = 5;
constexpr std::array<std::string_view, 3> watched{"From", "Sender", "Reply-To"};

void look_at(std::string_view field, const AddressEntry& entry, std::vector<std::string>& out) {
  if (const auto odd = mail::odd_script(entry.display_name())) out.push_back(fmt::format("{}: the name {}", field, *odd));
  const auto address = entry.address();
  if (!address) return;
  if (const auto odd = mail::odd_script(address->to_unicode())) {
    out.push_back(fmt::format("{}: the address {} {}", field, address->to_string(), *odd));
  }
}

}  // namespace

std::vector<std::string> odd_names(std::string_view header) {
  std::vector<std::string> out;
  std::size_t at = 0;
  while (const auto field = next_field(header, at)) {
    const auto name = std::ranges::find_if(watched, [&](std::string_view one) { return field->is(one); });
    if (name == watched.end()) continue;
    for (const auto& entry : parse_address_list(field->raw).entries) {
      if (entry.kind == AddressEntry::Kind::mailbox) look_at(*name, entry, out);
      if (out.size() >= max_findings) return out;
    }
  }
  return out;
}

}  // namespace postern::mime
