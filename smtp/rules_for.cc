// SPDX-License-Identifier: Apache-2.0
// Addresses, accounts and groups of a recipient's mail; see rules_for.h.
#include "smtp/rules_for.h"

#include <algorithm>

#include "auth/directory.h"
#include "config/gate.h"

namespace postern::smtp {
namespace {

void add_account(const Conversation& talk, store::AccountId account, config::RulesQuestion& question) {
  const auto row = talk.parts.directory.account(account);
  if (!row) return;
  question.accounts.push_back(row->login);
  std::ranges::move(talk.parts.directory.groups_of(account), std::back_inserter(question.groups));
}

}  // namespace

const config::RulesFor* find_rules(const Conversation& talk, config::Way way, const mail::Address& recipient,
                                   store::AccountId account) {
  const auto& entries = talk.config->gate->rules_for;
  if (entries.empty()) return nullptr;
  config::RulesQuestion question;
  question.way = way;
  if (const auto& sender = talk.transaction->envelope.sender) question.sender = sender->lookup_key();
  question.recipient = recipient.lookup_key();
  if (!config::name_accounts(entries)) return config::find_rules_for(entries, question);
  if (way != config::Way::inward) {
    add_account(talk, account, question);
  } else if (const auto resolved = talk.parts.directory.resolve(recipient)) {
    for (const auto& mailbox : resolved->mailboxes) add_account(talk, mailbox.account, question);
  }
  return config::find_rules_for(entries, question);
}

config::Way way_to(const Conversation& talk, const mail::Address& recipient) {
  const auto* const domain = recipient.domain();
  return domain != nullptr && talk.parts.directory.is_local(*domain) ? config::Way::inside : config::Way::outward;
}

std::vector<const config::RulesFor*> rules_of_sender(const Conversation& talk, store::AccountId account) {
  std::vector<const config::RulesFor*> out;
  for (const auto& one : talk.transaction->envelope.recipients) {
    const auto* const entry = find_rules(talk, way_to(talk, one.address), one.address, account);
    if (std::ranges::find(out, entry) == out.end()) out.push_back(entry);
    if (talk.config->gate->rules_for.empty()) break;
  }
  return out;
}

}  // namespace postern::smtp
