// SPDX-License-Identifier: Apache-2.0
// [[rules_for]] Rules and size limits for some mail only: by the way it goes, and by domain, address, group or account on either
// side. The most specific entry decides.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/rules.h"
#include "config/spoof.h"

namespace postern::config {

/// "greylist = off" in the file.
struct RuleOverride {
  RuleName rule = RuleName::hops;
  RuleChoice choice;
  static Result<RuleOverride> parse(std::string_view text);
  std::string to_string() const;
  bool operator==(const RuleOverride&) const = default;
};

struct RulesFor {
  Way way = Way::inward;
  Pattern sender;
  Pattern recipient;
  std::string account;  ///< login; empty: any. Of whom the mail is for (inward), otherwise of who sends it
  std::string group;    ///< the same with one of the account's groups
  std::vector<RuleOverride> rules;
  std::uint64_t message_bytes = 0;  ///< of one message; 0: limits.message_bytes
  bool operator==(const RulesFor&) const = default;
};

/// The mail for which an entry is looked for.
struct RulesQuestion {
  Way way = Way::inward;
  std::string sender;                 ///< mail::Address::lookup_key(); empty: the null sender
  std::string recipient;              ///< the same
  std::vector<std::string> accounts;  ///< inward: logins that the recipient stands for; otherwise who sends
  std::vector<std::string> groups;    ///< theirs
};

/// Whether any entry asks for accounts or groups.
bool name_accounts(const std::vector<RulesFor>& entries);

/// The most specific entry, or null. On our side (the recipient's for inward mail, otherwise the sender's) an account goes before
/// an address, that before a group, that before a domain; then the other side's pattern counts; then the one written last.
const RulesFor* find_rules_for(const std::vector<RulesFor>& entries, const RulesQuestion& question);

/// Whether mail of our own people is asked this rule too: those that look at the header.
bool asked_of_our_own(RuleName rule);

}  // namespace postern::config
