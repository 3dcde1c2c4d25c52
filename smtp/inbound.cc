// SPDX-License-Identifier: Apache-2.0
// Port 25: what differs from submission.
#include "smtp/inbound.h"

#include <algorithm>

#include "base/random.h"
#include "config/authentication.h"
#include "config/gate.h"
#include "config/way_out.h"
#include "policy/authentication_options.h"
#include "policy/forged_results.h"
#include "policy/judge.h"
#include "policy/refusal.h"
#include "policy/spoof.h"
#include "policy/srs.h"
#include "smtp/rules_for.h"
#include "smtp/trace.h"

namespace postern::smtp {

namespace status = mail::status;

Offer Inbound::offer(const Conversation& talk) const {
  const auto& limits = talk.config->limits;
  Offer offer;
  offer.starttls = talk.options.tls != nullptr && !talk.tls();
  offer.require_tls = talk.tls();  // RFC 8689 §2
  offer.message_bytes = limits.message_bytes;
  offer.recipients = limits.recipients_inbound;
  offer.messages = limits.messages_per_session;
  return offer;
}

Refusal Inbound::check_sender(const Conversation& /*talk*/, const mail::Envelope& /*envelope*/) {
  visit_.waited = {};  // each message has its own time for DNS
  return std::nullopt;
}

namespace {

/// Notices to a sender that we rewrote when its mail was forwarded go on to it; nothing when the address is none of that kind.
std::optional<std::expected<Route, Reply>> return_route(const Conversation& talk, const mail::Recipient& recipient) {
  const auto& address = recipient.address;
  const bool ours = address.domain() != nullptr && talk.parts.directory.is_local(*address.domain());
  if (talk.parts.srs == nullptr || !ours || !policy::Srs::is_rewritten(address)) return std::nullopt;
  const auto path = talk.parts.srs->reverse(address, talk.parts.clock.unix_now(), talk.config->way_out->forwarding.srs_valid);
  if (!path && path.error().kind == ErrorKind::invalid) return std::nullopt;
  if (!path) return std::unexpected(reply(status::no_such_mailbox));
  // Such an address is for notices alone (RFC 5321 §4.5.5): it is no way through us for anybody's mail.
  if (talk.transaction->envelope.sender) {
    return std::unexpected(reply(status::no_such_mailbox, "This address takes notices of non-delivery only"));
  }
  Route back;
  back.remote.push_back(queue::RemoteRecipient::by_return(*path, recipient));
  return back;
}

/// Mail that [[relay]] hands on keeps its sender, mail that is forwarded gets another: they are two entries of the queue.
bool mixes(const std::vector<queue::RemoteRecipient>& before, const std::vector<queue::RemoteRecipient>& more) {
  if (before.empty() || more.empty()) return false;
  return before.front().forwarded_for().empty() != more.front().forwarded_for().empty();
}

}  // namespace

std::expected<Route, Reply> Inbound::route(const Conversation& talk, const mail::Recipient& recipient) {
  auto found = return_route(talk, recipient);
  auto route = found ? std::move(*found) : route_local(talk, recipient);
  // RFC 5321 §4.5.3.1.10
  if (route && mixes(talk.transaction->route.remote, route->remote)) return std::unexpected(reply(status::too_many_recipients));
  return route;
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

Reply refusal_of(const policy::Verdict& verdict) { return reply(verdict.status, policy::refusal_text(verdict)); }

namespace {

policy::OurPeople our_people(const Conversation& talk) {
  const auto table = talk.parts.directory.table();
  return {[&directory = talk.parts.directory](const mail::Domain& domain) { return directory.is_local(domain); },
          [table](std::string_view folded) {
            return std::ranges::any_of(table->accounts, [&](const auto& one) { return policy::fold_name(one.name) == folded; });
          }};
}

const config::RulesFor* rules_for(const Conversation& talk, const mail::Address& recipient) {
  return find_rules(talk, config::Way::inward, recipient);
}

/// RFC 5321 §4.5.3.1.10: recipients with different settings come in transactions of their own, so that one message has one
/// measure. The declared size is held against the recipient's own limit (RFC 1870 §6.1).
Refusal check_settings(const Conversation& talk, const mail::Address& recipient) {
  const auto& envelope = talk.transaction->envelope;
  if (talk.config->gate->rules_for.empty()) return std::nullopt;
  const auto* const entry = rules_for(talk, recipient);
  if (!envelope.recipients.empty() && rules_for(talk, envelope.recipients.front().address) != entry) {
    return reply(status::too_many_recipients);
  }
  const auto most = entry == nullptr ? 0 : entry->message_bytes;
  if (most != 0 && envelope.declared_size.value_or(0) > most) return reply(status::message_too_large);
  return std::nullopt;
}

bool is_trusted(const Conversation& talk) {
  const auto ip = talk.ip();
  return std::ranges::any_of(talk.config->trusted.networks, [&](const auto& one) { return one.contains(ip); });
}

}  // namespace

async::Task<Refusal> Inbound::judge_recipient(Conversation& talk, const mail::Recipient& recipient) {
  if (auto refused = refuse_by_way(talk, config::Way::inward, recipient.address)) co_return refused;
  if (auto refused = check_settings(talk, recipient.address)) co_return refused;
  if (gate_ == nullptr) co_return std::nullopt;
  auto& transaction = *talk.transaction;
  if (auto relay = relay_for(talk, recipient.address)) {
    const auto known = co_await gate_->knows(std::move(*relay), recipient.address);
    if (known == policy::Answer::no) co_return reply(status::no_such_mailbox);
    if (known != policy::Answer::yes) co_return reply(policy::refusal::recipient_unverified);
  }
  // An entry that names the mail permits it; that none does permits nothing.
  const auto* const entry =
      policy::find_spoof(talk.config->gate->spoof, config::Way::inward, transaction.envelope.sender, recipient.address);
  transaction.spoof_permitted = transaction.spoof_permitted && entry != nullptr;
  const policy::Gate::Question question{talk.connection.peer().address,
                                        talk.connection.local().address,
                                        talk.helo,
                                        transaction.envelope.sender,
                                        recipient.address,
                                        rules_for(talk, recipient.address)};
  auto verdict = co_await gate_->judge_recipient(visit_, question, purpose_);
  if (meters_ != nullptr) meters_->count(verdict.reasons);
  if (!verdict.accepted()) {
    talk.parts.log.info(talk.options.service, "refused by rule",
                        {{"ip", talk.ip()},
                         {"helo", talk.helo},
                         {"from", mail::to_string(transaction.envelope.sender)},
                         {"to", recipient.address.to_string()},
                         {"rules", policy::to_string(verdict.reasons)}});
    auto refused = refusal_of(verdict);
    transaction.refusing = std::move(verdict);
    co_return refused;
  }
  transaction.allowed = transaction.allowed && verdict.allowed;
  // Of several recipients the first one tells for all what client, greeting and sender are.
  if (transaction.envelope.recipients.empty()) {
    transaction.reasons = std::move(verdict.reasons);
    transaction.points = verdict.points;
  }
  co_return std::nullopt;
}

/// All recipients of a transaction have the same.
policy::Settings Inbound::settings_of(const Conversation& talk) const {
  const auto& transaction = *talk.transaction;
  policy::Settings settings(*talk.config->gate, rules_for(talk, transaction.envelope.recipients.front().address));
  if (gate_ != nullptr && transaction.allowed) settings.allow();
  return settings;
}

std::uint64_t Inbound::message_limit(const Conversation& talk) const {
  const auto& recipients = talk.transaction->envelope.recipients;
  const auto* const entry = recipients.empty() ? nullptr : rules_for(talk, recipients.front().address);
  const auto usual = Handler::message_limit(talk);
  return entry == nullptr || entry->message_bytes == 0 ? usual : std::min(usual, entry->message_bytes);
}

Refusal Inbound::check_header(Conversation& talk, std::string& header) {
  const auto ip = talk.ip();
  const auto& gate = *talk.config->gate;
  auto& transaction = *talk.transaction;
  const auto settings = settings_of(talk);
  auto verdict = policy::judge(evidence_of(talk, policy::Direction::inbound, header, ip), settings);
  verdict.points += transaction.points;
  if (!settings.allowed()) policy::weigh(verdict, gate);
  transaction.points = verdict.points;
  // Whatever the rule is set to, nobody outside speaks in our name.
  const auto forged = std::ranges::find(verdict.reasons, policy::RuleName::forged_results, &policy::Reason::rule);
  transaction.spoof = policy::look_for_spoof(header, transaction.envelope, our_people(talk));
  if (meters_ != nullptr) meters_->count(verdict.reasons);
  const bool remove = forged == verdict.reasons.end() || forged->outcome != policy::Reason::Outcome::pass;
  std::ranges::copy(verdict.reasons, std::back_inserter(transaction.reasons));
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

namespace {

/// Something has proven the domain that From names: DMARC, or SPF or DKIM that agree with it where no policy is published.
bool proves_author(const policy::Authentication& all) {
  const auto& dmarc = all.dmarc;
  if (dmarc.code == policy::DmarcCode::pass || dmarc.spf_aligned || dmarc.dkim_aligned) return true;
  return !dmarc.author.empty() && all.spf.code == policy::SpfCode::pass && all.spf.domain == dmarc.author;
}

}  // namespace

/// Asks the rules of the stage message, of what was authenticated and of what the message claims; adds to the transaction.
policy::Verdict Inbound::judge_whole(const Conversation& talk, const policy::Authentication* all) const {
  const auto& gate = *talk.config->gate;
  auto& transaction = *talk.transaction;
  const auto settings = settings_of(talk);
  policy::MessageEvidence evidence;
  evidence.authentication = all;
  auto verdict = policy::judge(evidence, settings);
  auto spoof = transaction.spoof;
  spoof.permitted = transaction.spoof_permitted || is_trusted(talk);
  if (all != nullptr) {
    spoof.sender_proven = all->sender_proven;
    spoof.author_proven = proves_author(*all);
  }
  verdict.add(policy::judge(spoof, settings));
  verdict.points += transaction.points;
  if (!settings.allowed()) policy::weigh(verdict, gate);
  return verdict;
}

async::Task<Refusal> Inbound::judge_message(Conversation& talk, queue::Arrival& arrival) {
  auto& transaction = *talk.transaction;
  if (gate_ == nullptr) co_return std::nullopt;
  const auto config = talk.config;
  std::optional<policy::Authentication> all;
  if (transaction.authentication) {
    auto resolver = gate_->resolver_for(visit_);
    all = co_await transaction.authentication->finish(resolver, client_of(talk));
    transaction.sender_proven = all->sender_proven;
  }
  auto verdict = judge_whole(talk, all ? &*all : nullptr);
  transaction.points = verdict.points;
  if (meters_ != nullptr) meters_->count(verdict.reasons);
  std::ranges::copy(verdict.reasons, std::back_inserter(transaction.reasons));
  if (auto* const notes = gate_->notes(); notes != nullptr && all && purpose_ == policy::Gate::Purpose::decide) {
    notes->note(*all, talk.connection.peer().address, verdict.accepted());
  }
  if (!verdict.accepted()) co_return all ? refusal_with_explanation(verdict, *all) : refusal_of(verdict);
  if (!all) co_return std::nullopt;
  const auto results = policy::write_results(config->server.hostname, all->results());
  arrival.results = results.substr(results.find(' ') + 1);
  arrival.results.resize(arrival.results.size() - 2);  // without its CRLF
  arrival.arc_chain = policy::to_string(all->arc.code);
  if (config->authentication->add_results) arrival.trace = results + arrival.trace;
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
    : parts_(parts), meters_(metrics, "smtp"), rule_meters_(metrics), gate_(gate) {
  options_.service = "smtp";
  options_.tls = std::move(tls);
}

async::Task<> InboundService::serve(net::Connection& connection) {
  Inbound handler(gate_, policy::Gate::Purpose::decide, &rule_meters_);
  Session session(connection, {parts_, options_, meters_}, handler);
  co_await session.run();
}

}  // namespace postern::smtp
