// SPDX-License-Identifier: Apache-2.0
// Access rules: by which protocols, from where and when an account may log in (store::AccessRules). An account is bound by its
// own rules and by those of each of its groups: all of them must allow, so a group can only take away, and a group without rules
// changes nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "auth/hours.h"
#include "auth/service.h"
#include "store/accounts.h"

namespace postern::auth {

/// Most networks in one set of rules.
inline constexpr std::size_t max_rule_networks = 50;

/// Rules and whose they are.
struct BoundRules {
  std::string group{};  ///< empty: the account's own
  store::AccessRules rules{};
};

/// Why this login is refused, for log and record: "access rules: not by pop3 (group staff)". Nothing: it is allowed. Rules that
/// cannot be read refuse.
std::optional<std::string> access_objection(const std::vector<BoundRules>& bound, const Origin& origin, WallTime now);
/// The same for the hours alone: whether a session may go on.
bool within_hours(const std::vector<BoundRules>& bound, WallTime now);

/// The rules in canonical form, networks and hours checked. Errors: invalid and limit, with the remedy.
Result<store::AccessRules> canonical_rules(store::AccessRules rules);

/// Bits of "imap", "pop3", "smtp" ("submission" means the same); an empty list: all. Error invalid.
Result<unsigned> protocol_bits(const std::vector<std::string>& names);
std::vector<std::string> protocol_names(unsigned bits);

}  // namespace postern::auth
