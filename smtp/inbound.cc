// SPDX-License-Identifier: Apache-2.0
// Port 25: what differs from submission.
#include "smtp/inbound.h"

#include <algorithm>

#include "base/random.h"
#include "config/authentication.h"
#include "config/gate.h"
#include "policy/authentication_options.h"
#include "policy/forged_results.h"
#include "policy/judge.h"
#include "smtp/trace.h"

namespace postern::smtp {

namespace status = mail::status;

Offer Inbound::offer(const Conversation& talk) const {
  const auto& limits = talk.config->limits;
  Offer offer;
  offer.starttls = talk.options.tls != nullptr && !talk.tls();
  offer.message_bytes = limits.message_bytes;
  offer.recipients = limits.recipients_inbound;
  offer.messages = limits.messages_per_session;
  return offer;
}

Refusal Inbound::check_sender(const Conversation& /*talk*/, const mail::Envelope& /*envelope*/) { return std::nullopt; }

std::expected<Route, Reply> Inbound::route(const Conversation& talk, const mail::Recipient& recipient) {
  return route_local(talk, recipient);
}

policy::HeaderEvidence evidence_of(const Conversation& talk, policy::Direction direction, std::string_view header,
                                   const std::string& ip) {
  policy::HeaderEvidence evidence;
  evidence.direction = direction;
  evidence.ip = ip;
  evidence.helo = talk.helo;
  evidence.envelope = &talk.transaction->envelope;
  evidence.header = header;
  evidence.received_hops_max = talk.config->limits.received_hops;
  evidence.own_hostname = talk.config->server.hostname;
  return evidence;
}

Reply refusal_of(const policy::Verdict& verdict) { return reply(verdict.status); }

async::Task<Refusal> Inbound::judge_recipient(Conversation& talk, const mail::Recipient& recipient) {
  if (gate_ == nullptr) co_return std::nullopt;
  auto& transaction = *talk.transaction;
  const policy::Gate::Question question{talk.connection.peer().address, talk.connection.local().address, talk.helo,
                                        transaction.envelope.sender, recipient.address};
  auto verdict = co_await gate_->judge_recipient(visit_, question);
  if (!verdict.accepted()) {
    talk.parts.log.info(talk.options.service, "refused by rule",
                        {{"ip", talk.ip()},
                         {"helo", talk.helo},
                         {"from", mail::to_string(transaction.envelope.sender)},
                         {"to", recipient.address.to_string()},
                         {"rules", policy::to_string(verdict.reasons)}});
    co_return refusal_of(verdict);
  }
  // Of several recipients the first one tells for all what client, greeting and sender are.
  if (transaction.envelope.recipients.empty()) {
    transaction.reasons = std::move(verdict.reasons);
    transaction.points = verdict.points;
  }
  co_return std::nullopt;
}

Refusal Inbound::check_header(Conversation& talk, std::string& header) {
  const auto ip = talk.ip();
  const auto& gate = *talk.config->gate;
  auto& transaction = *talk.transaction;
  auto verdict = policy::judge(evidence_of(talk, policy::Direction::inbound, header, ip), policy::Settings(gate));
  verdict.points += transaction.points;
  policy::weigh(verdict, gate);
  transaction.points = verdict.points;
  // Whatever the rule is set to, nobody outside speaks in our name.
  const auto forged = std::ranges::find(verdict.reasons, policy::RuleName::forged_results, &policy::Reason::rule);
  const bool remove = forged == verdict.reasons.end() || forged->outcome != policy::Reason::Outcome::pass;
  std::ranges::move(verdict.reasons, std::back_inserter(transaction.reasons));
  if (!verdict.accepted()) return refusal_of(verdict);
  begin_authentication(talk, header);
  if (remove) header = policy::remove_forged_results(header, talk.config->server.hostname);
  return std::nullopt;
}

/// Signatures are about the header as it came, so this is before anything of it is cut out.
void Inbound::begin_authentication(Conversation& talk, const std::string& header) {
  const auto& config = *talk.config->authentication;
  if (gate_ == nullptr || !config.any()) return;
  talk.transaction->authentication = std::make_shared<policy::AuthenticationRun>(header, policy::options_of(config));
}

void Inbound::see_body(Conversation& talk, std::string_view bytes) {
  if (auto& run = talk.transaction->authentication) run->feed(bytes);
}

namespace {

policy::ClientFacts client_of(const Conversation& talk) {
  constexpr std::uint32_t sides = 100;  // of the dice for pct= of DMARC
  policy::ClientFacts client;
  client.ip = talk.connection.peer().address;
  client.helo = talk.helo;
  client.sender = talk.transaction->envelope.sender;
  client.own_hostname = talk.config->server.hostname;
  client.now = talk.parts.clock.unix_now();
  client.dice = random::below(sides);
  return client;
}

/// RFC 7208 §6.2: what the domain's owner says goes into the reply, named as his words.
Reply refusal_with_explanation(const policy::Verdict& verdict, const policy::Authentication& all) {
  auto refused = refusal_of(verdict);
  const bool by_spf = verdict.status.enhanced == policy::refusal::spf_failed.enhanced;
  if (by_spf && !all.spf.explanation.empty()) refused.text += ". " + all.spf.domain + " explains: " + all.spf.explanation;
  return refused;
}

}  // namespace

async::Task<Refusal> Inbound::judge_message(Conversation& talk, queue::Arrival& arrival) {
  auto& transaction = *talk.transaction;
  if (!transaction.authentication) co_return std::nullopt;
  const auto config = talk.config;
  const auto all = co_await transaction.authentication->finish(gate_->resolver(), client_of(talk));
  policy::MessageEvidence evidence;
  evidence.authentication = &all;
  auto verdict = policy::judge(evidence, policy::Settings(*config->gate));
  verdict.points += transaction.points;
  policy::weigh(verdict, *config->gate);
  transaction.points = verdict.points;
  transaction.sender_proven = all.sender_proven;
  std::ranges::move(verdict.reasons, std::back_inserter(transaction.reasons));
  if (!verdict.accepted()) co_return refusal_with_explanation(verdict, all);
  if (config->authentication->add_results) {
    arrival.trace = policy::write_results(config->server.hostname, all.results()) + arrival.trace;
  }
  co_return std::nullopt;
}

Refusal Inbound::sign(const Conversation& talk, queue::Arrival& arrival) {
  arrival.account = 0;
  // product.md promise 4: notices go only to senders that something has proven.
  arrival.bounce = talk.transaction->sender_proven ? store::BounceRight::verified : store::BounceRight::none;
  return std::nullopt;
}

std::string Inbound::received_field(const Conversation& talk) const { return smtp::received_field(talk, Origin::shown); }

InboundService::InboundService(Parts parts, Metrics& metrics, std::shared_ptr<const net::TlsServer> tls, policy::Gate* gate)
    : parts_(parts), meters_(metrics, "smtp"), gate_(gate) {
  options_.service = "smtp";
  options_.tls = std::move(tls);
}

async::Task<> InboundService::serve(net::Connection& connection) {
  Inbound handler(gate_);
  Session session(connection, {parts_, options_, meters_}, handler);
  co_await session.run();
}

}  // namespace postern::smtp
