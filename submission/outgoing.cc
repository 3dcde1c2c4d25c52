// SPDX-License-Identifier: Apache-2.0
// Recipients and headers of mail that our own people and machines send.
#include "submission/outgoing.h"

#include <algorithm>
#include <optional>

#include "config/gate.h"
#include "policy/forged_results.h"
#include "policy/judge.h"
#include "smtp/inbound.h"
#include "smtp/rules_for.h"
#include "submission/fixup.h"

namespace postern::submission {

namespace status = mail::status;
using smtp::reply;

smtp::Offer Outgoing::offer(const smtp::Conversation& talk) const {
  const auto& limits = talk.config->limits;
  smtp::Offer offer;
  offer.starttls = talk.options.tls != nullptr && !talk.tls();
  offer.message_bytes = limits.message_bytes;
  offer.recipients = limits.recipients_submission;
  offer.messages = limits.messages_per_session;
  return offer;
}

namespace {

bool too_large(const config::RulesFor* rules, const mail::Envelope& envelope) {
  return rules != nullptr && rules->message_bytes != 0 && envelope.declared_size.value_or(0) > rules->message_bytes;
}

/// What the header rules say under every entry that one of the recipients has; the strictest counts. What port 25 is told to
/// let through is no measure for our own people.
policy::Verdict judge_own(const policy::HeaderEvidence& evidence, const std::vector<const config::RulesFor*>& entries) {
  std::optional<policy::Verdict> strictest;
  for (const auto* const entry : entries) {
    auto verdict = policy::judge(evidence, policy::Settings({}, entry));
    if (!strictest || verdict.decision > strictest->decision) strictest = std::move(verdict);
  }
  return strictest ? std::move(*strictest) : policy::judge(evidence, policy::Settings({}, nullptr));
}

}  // namespace

std::uint64_t Outgoing::message_limit(const smtp::Conversation& talk) const {
  auto most = Handler::message_limit(talk);
  for (const auto* const entry : smtp::rules_of_sender(talk, sender())) {
    if (entry != nullptr && entry->message_bytes != 0) most = std::min(most, entry->message_bytes);
  }
  return most;
}

std::expected<smtp::Route, smtp::Reply> Outgoing::route(const smtp::Conversation& talk, const mail::Recipient& recipient) {
  const auto way = smtp::way_to(talk, recipient.address);
  const bool ours = way == config::Way::inside;
  if (auto refused = smtp::refuse_by_way(talk, way, recipient.address)) return std::unexpected(std::move(*refused));
  // RFC 1870 §6.1: the declared size is held against what this recipient may be sent.
  const auto* const rules = smtp::find_rules(talk, way, recipient.address, sender());
  if (too_large(rules, talk.transaction->envelope)) return std::unexpected(reply(status::message_too_large));
  if (right() == nullptr) return smtp::route_local(talk, recipient);
  if (ours || smtp::relay_for(talk, recipient.address)) {
    auto local = smtp::route_local(talk, recipient, auth::Writer::logged_in(right()->account()));
    // RFC 4865: what is held waits in the queue, wherever it goes; the address is looked up again then (queue/homeward.h).
    if (!local || talk.transaction->envelope.hold_until == 0) return local;
  }
  smtp::Route route;
  route.remote.push_back(queue::RemoteRecipient::by_right(recipient, *right()));
  return route;
}

smtp::Refusal Outgoing::check_header(smtp::Conversation& talk, std::string& header) {
  const auto ip = talk.ip();
  auto verdict =
      judge_own(smtp::evidence_of(talk, policy::Direction::submitted, header, ip), smtp::rules_of_sender(talk, sender()));
  talk.transaction->reasons = verdict.reasons;
  if (!verdict.accepted()) return smtp::refusal_of(verdict);
  // RFC 6409 §6.1 and security.md D78: the author must be one that the sender may use.
  const MayUse may_use = [this, &talk](const mail::Address& address) { return may_send_as(talk, address); };
  if (auto refused = identity_refusal(header, claims(), may_use)) return reply(status::not_your_address, std::move(*refused));
  auto host = mail::Domain::parse(talk.config->server.hostname);
  if (!host) return reply(status::local_error);
  const FixupFacts facts{talk.parts.clock.unix_now(), std::move(*host), may_use};
  header = fix_header(policy::remove_forged_results(header, talk.config->server.hostname), facts);
  return std::nullopt;
}

}  // namespace postern::submission
