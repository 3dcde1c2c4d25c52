// SPDX-License-Identifier: Apache-2.0
// [[relay]] Mail that is taken for others and handed on: a domain behind us (gateway), a domain whose mail we only keep while its
// own server is away (backup MX), or single recipients that have not moved here yet (migration).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace postern::config {

struct Relay {
  /// Which recipients exist.
  enum class Recipients : unsigned char {
    listed,   ///< those of `known`
    callout,  ///< the other server is asked, its answers are remembered
    any       ///< all; the other server's refusals then become notices
  };
  enum class Protocol : unsigned char { smtp, lmtp };
  std::string match;  ///< "example.com" or "bob@example.org"; canonical
  HostPort host;      ///< empty: the domain's MX better than ourselves
  Protocol protocol = Protocol::smtp;
  TlsUse tls = TlsUse::required;  ///< required: with a certificate that proves the host's name
  std::string user;
  std::filesystem::path password_file;
  Recipients recipients = Recipients::callout;
  std::vector<std::string> known;  ///< lookup keys, sorted
  bool is_one_recipient() const { return match.find('@') != std::string::npos; }
  bool operator==(const Relay&) const = default;
};

/// "example.com" or "bob@example.org" in canonical form, for Relay::match. Error invalid.
Result<std::string> relay_match(std::string_view text);
/// One address of Relay::known.
struct KnownRecipient {
  std::string key;
  static Result<KnownRecipient> parse(std::string_view text);
  const std::string& to_string() const { return key; }
};

/// The entry for exactly this domain or address, or null.
const Relay* find_relay(const std::vector<Relay>& relays, std::string_view match);

}  // namespace postern::config
