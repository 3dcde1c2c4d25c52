// SPDX-License-Identifier: Apache-2.0
// Addresses, accounts and groups of a recipient's mail; see rules_for.h.
#include "smtp/rules_for.h"

#include <algorithm>

#include "auth/directory.h"
#include "config/gate.h"

namespace postern::smtp {
namespace {

void add_account(const auth::Directory& directory, store::AccountId account, config::RulesQuestion& question) {
  const auto row = directory.account(account);
  if (!row) return;
  question.accounts.push_back(row->login);
  std::ranges::move(directory.groups_of(account), std::back_inserter(question.groups));
}

config::RulesQuestion question_of(config::Way way, const mail::ReversePath& sender, const mail::Address& recipient) {
  return {way, sender ? sender->lookup_key() : std::string(), recipient.lookup_key(), {}, {}};
}

}  // namespace

const config::RulesFor* find_inward_rules(const auth::Directory& directory, const config::Gate& gate,
                                          const mail::ReversePath& sender, const mail::Address& recipient) {
  if (gate.rules_for.empty()) return nullptr;
  auto question = question_of(config::Way::inward, sender, recipient);
  if (config::name_accounts(gate.rules_for)) {
    const auto resolved = directory.resolve(recipient);
    for (const auto& mailbox : resolved ? resolved->mailboxes : std::vector<auth::LocalMailbox>()) {
      add_account(directory, mailbox.account, question);
    }
  }
  return config::find_rules_for(gate.rules_for, question);
}

const config::RulesFor* find_rules(const Conversation& talk, config::Way way, const mail::Address& recipient,
                                   store::AccountId account) {
  const auto& gate = *talk.config->gate;
  const auto& sender = talk.transaction->envelope.sender;
  if (way == config::Way::inward) return find_inward_rules(talk.parts.directory, gate, sender, recipient);
  if (gate.rules_for.empty()) return nullptr;
  auto question = question_of(way, sender, recipient);
  if (config::name_accounts(gate.rules_for)) add_account(talk.parts.directory, account, question);
  return config::find_rules_for(gate.rules_for, question);
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
