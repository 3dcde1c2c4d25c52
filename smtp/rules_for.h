// SPDX-License-Identifier: Apache-2.0
// Which entry of [[rules_for]] a recipient's mail has.
#pragma once

#include <vector>

#include "config/rules_for.h"
#include "smtp/conversation.h"
#include "store/ids.h"

namespace postern::smtp {

/// Mail from outside. Null: none. Valid as long as the gate is.
const config::RulesFor* find_inward_rules(const auth::Directory& directory, const config::Gate& gate,
                                          const mail::ReversePath& sender, const mail::Address& recipient);

/// Null: none. `account` is who sends, for mail of our own people; 0: a machine, or somebody outside. Valid as long as
/// talk.config is.
const config::RulesFor* find_rules(const Conversation& talk, config::Way way, const mail::Address& recipient,
                                   store::AccountId account = 0);

/// inside for recipients of ours, otherwise outward.
config::Way way_to(const Conversation& talk, const mail::Address& recipient);

/// The entries for all recipients of the transaction, which `account` sends; each once, null among them when one has none.
std::vector<const config::RulesFor*> rules_of_sender(const Conversation& talk, store::AccountId account);

}  // namespace postern::smtp
