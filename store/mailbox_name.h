// SPDX-License-Identifier: Apache-2.0
// Rules for mailbox names that hold in every implementation of the store (security.md D90), and the folders that each
// account starts with. Names never become paths.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace postern::store {

inline constexpr char hierarchy_separator = '/';
inline constexpr std::size_t max_mailbox_octets = 1000;
inline constexpr std::size_t max_mailbox_levels = 10;
inline constexpr std::size_t max_mailboxes = 10'000;  ///< of one account

/// The name as it is stored: "inbox" and "inbox/x" with INBOX in capitals (RFC 9051 §5.1). Errors: invalid (empty, empty
/// level, "." or "..", control octets, not UTF-8), limit.
Result<std::string> canonical_mailbox(std::string_view name);
/// The names above it, topmost first: "a/b/c" gives "a", "a/b".
std::vector<std::string> mailbox_parents(std::string_view name);
/// True when `name` lies below `parent`.
bool is_below(std::string_view name, std::string_view parent);
/// The order of Session::list(): INBOX, then by octets.
bool mailbox_before(std::string_view a, std::string_view b);

struct StandardFolder {
  std::string_view name;
  SpecialUse use;
};
/// INBOX and the special-use folders of RFC 6154 that are made with each account.
std::span<const StandardFolder> standard_folders();

}  // namespace postern::store
