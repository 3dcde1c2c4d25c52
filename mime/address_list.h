// SPDX-License-Identifier: Apache-2.0
// RFC 5322 address lists as they occur: groups, comments, quoted strings, routes and other obsolete forms.
// Linear in the input, iterative, and it never fails: what does not fit is skipped or taken as it stands, and flagged
// (security.md D32). Policy must look at `damaged` before it trusts an author (D40).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mail/address.h"

namespace postern::mime {

/// Most mailboxes taken from one list.
inline constexpr std::size_t max_addresses = 5'000;

/// One member of a list: a mailbox, or the beginning or end of a group.
struct AddressEntry {
  enum class Kind : std::uint8_t { mailbox, group_begin, group_end };
  Kind kind = Kind::mailbox;
  std::string name;   ///< display name or group name: unquoted, encoded words as they stand; else the comment behind
  std::string route;  ///< "@a,@b" of an obsolete route, usually empty
  std::string local;  ///< local part without quotes; empty when it is missing
  std::string host;   ///< domain as written, or "[literal]"; empty when it is missing
  /// The name in UTF-8 with encoded words decoded; no control characters.
  std::string display_name() const;
  /// As a mailbox that can be used in SMTP. Error invalid when it is none.
  Result<mail::Address> address() const;
};

struct AddressList {
  std::vector<AddressEntry> entries;
  bool damaged = false;    ///< something did not fit the grammar
  bool truncated = false;  ///< there were more than max_addresses
  bool has_group = false;
  /// Number of entries that are mailboxes.
  std::size_t mailboxes() const;
  /// The first mailbox, or null.
  const AddressEntry* first_mailbox() const;
};

/// The value of From, To, Cc, Reply-To and the like; folded or unfolded.
AddressList parse_address_list(std::string_view value);

}  // namespace postern::mime
