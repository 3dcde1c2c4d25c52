// SPDX-License-Identifier: Apache-2.0
// The words in which a client reads why its mail was refused or put off: what the rule says, what was found where that helps to
// mend it (a list's name, what SPF, DKIM or DMARC said), and that a new try helps when it does. Notes of our own list and counts
// of rates stay in our log. One printable line of at most some 400 octets, whatever a peer published.
#pragma once

#include <string>

#include "policy/rule.h"

namespace postern::policy {

/// For a verdict that does not accept.
std::string refusal_text(const Verdict& verdict);

}  // namespace postern::policy
