// SPDX-License-Identifier: Apache-2.0
// Address: RFC 5321 Mailbox as a value (local part unquoted and NFC, domain or address literal canonical).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/cursor.h"
#include "base/result.h"
#include "mail/domain.h"

namespace postern::mail {

/// An address literal, "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 §4.1.3), kept canonical without brackets.
struct AddressLiteral {
  std::string ip;  ///< "192.0.2.1" or "2001:db8::1"
  auto operator<=>(const AddressLiteral&) const = default;
};

class Address {
 public:
  /// Longest local part and longest path in octets (RFC 5321 §4.5.3.1.1 and .3).
  static constexpr std::size_t max_local = 64;
  static constexpr std::size_t max_path = 254;

  Address(std::string local, Domain domain) : local_(std::move(local)), where_(std::move(domain)) {}
  Address(std::string local, AddressLiteral literal) : local_(std::move(local)), where_(std::move(literal)) {}

  /// The whole text must be one Mailbox: `dot-string@domain`, `"quoted string"@domain`, `x@[literal]`; UTF-8 allowed
  /// (RFC 6531 §3.3). Refuses empty local parts, controls, source routes and anything before or after.
  static Result<Address> parse(std::string_view text);
  /// Parses a Mailbox at the cursor and leaves it after the Mailbox.
  static Result<Address> parse(Cursor& in);

  /// Local part without quotes and backslashes, NFC, case kept.
  const std::string& local() const { return local_; }
  /// Null when the address has a literal.
  const Domain* domain() const { return std::get_if<Domain>(&where_); }
  const AddressLiteral* literal() const { return std::get_if<AddressLiteral>(&where_); }
  /// "example.org" or "[192.0.2.1]".
  std::string domain_text() const;
  /// Wire form with A-label domain; the local part quoted when it must be.
  std::string to_string() const;
  /// For people and SMTPUTF8 peers: U-label domain.
  std::string to_unicode() const;
  /// True when it cannot be said without SMTPUTF8 (the local part has octets above 0x7F).
  bool needs_smtputf8() const;
  /// Key for our own mailboxes: local part folded to lower case (ours are case-insensitive) + "@" + domain.
  std::string lookup_key() const;
  bool operator==(const Address&) const = default;

 private:
  std::string local_;
  std::variant<Domain, AddressLiteral> where_;
};

/// The reverse path: an address, or nothing for "<>", the null sender of bounces (RFC 5321 §4.5.5).
using ReversePath = std::optional<Address>;
/// "<>" or "<a@b>".
std::string to_string(const ReversePath& path);

}  // namespace postern::mail
