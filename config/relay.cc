// SPDX-License-Identifier: Apache-2.0
#include "config/relay.h"

#include <fmt/format.h>

#include <algorithm>

#include "mail/address.h"

namespace postern::config {

Result<std::string> relay_match(std::string_view text) {
  if (text.find('@') != std::string_view::npos) {
    const auto address = mail::Address::parse(text);
    if (address && address->domain() != nullptr) return address->lookup_key();
  } else if (const auto domain = mail::Domain::parse(text)) {
    return domain->ascii();
  }
  return fail(ErrorKind::invalid,
              fmt::format("\"{}\" is neither a domain nor an address; write \"example.com\" or \"bob@example.org\"", text));
}

Result<KnownRecipient> KnownRecipient::parse(std::string_view text) {
  const auto address = mail::Address::parse(text);
  if (!address) return std::unexpected(address.error());
  return KnownRecipient{address->lookup_key()};
}

const Relay* find_relay(const std::vector<Relay>& relays, std::string_view match) {
  const auto found = std::ranges::find(relays, match, &Relay::match);
  return found == relays.end() ? nullptr : &*found;
}

}  // namespace postern::config
