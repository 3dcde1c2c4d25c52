// SPDX-License-Identifier: Apache-2.0
#include "submission/identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "mime/address_list.h"
#include "mime/header.h"

namespace postern::submission {
namespace {

constexpr std::array<std::string_view, 4> claiming{"From", "Sender", "Resent-From", "Resent-Sender"};

/// Replies are ASCII: other octets as \xNN.
std::string shown(const mail::Address& address) {
  std::string out;
  for (const char c : address.to_string()) {
    if (ascii::is_eight_bit(c) || ascii::is_ctl(c)) {
      out += fmt::format("\\x{:02X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

std::string refusal(std::string_view what, const mail::Address& address) {
  return fmt::format(
      "{} <{}> is not an address of your account; choose one that is, or ask your postmaster for the right to use it", what,
      shown(address));
}

/// Nothing: every mailbox of the field may be used.
std::optional<std::string> look_at(std::string_view name, const mime::Field& field, const MayUse& may_use) {
  const auto list = mime::parse_address_list(field.raw);
  if (list.damaged || list.truncated || list.mailboxes() == 0)
    return fmt::format("{} has no address that can be read; write one mailbox", name);
  for (const auto& entry : list.entries) {
    if (entry.kind != mime::AddressEntry::Kind::mailbox) continue;
    const auto address = entry.address();
    if (!address) return fmt::format("{} has an address that is none; write one mailbox", name);
    if (!may_use(*address)) return refusal(name, *address);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> identity_refusal(std::string_view header, Claims claims, const MayUse& may_use) {
  bool has_author = false;
  std::size_t at = 0;
  while (const auto field = mime::next_field(header, at)) {
    const auto name = std::ranges::find_if(claiming, [&](std::string_view one) { return field->is(one); });
    if (name == claiming.end()) continue;
    const bool author = name == claiming.begin();
    if (!author && claims == Claims::author) continue;
    has_author = has_author || author;
    if (auto refused = look_at(*name, *field, may_use)) return refused;
  }
  if (!has_author) return "The message has no From field";
  return std::nullopt;
}

std::string sender_refusal(const mail::Address& sender) { return refusal("Sender", sender); }

}  // namespace postern::submission
