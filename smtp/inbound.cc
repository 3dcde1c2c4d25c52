// SPDX-License-Identifier: Apache-2.0
// Port 25: what differs from submission.
#include "smtp/inbound.h"

#include <algorithm>

#include "policy/forged_results.h"
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

policy::Evidence evidence_of(const Conversation& talk, policy::Direction direction, std::string_view header,
                             const std::string& ip) {
  policy::Evidence evidence;
  evidence.direction = direction;
  evidence.ip = ip;
  evidence.helo = talk.helo;
  evidence.envelope = &talk.transaction->envelope;
  evidence.header = header;
  evidence.received_hops_max = talk.config->limits.received_hops;
  evidence.own_hostname = talk.config->server.hostname;
  return evidence;
}

Refusal Inbound::check_header(Conversation& talk, std::string& header) {
  const auto ip = talk.ip();
  auto verdict = policy::judge(evidence_of(talk, policy::Direction::inbound, header, ip));
  talk.transaction->reasons = std::move(verdict.reasons);
  if (!verdict.accept) return reply(verdict.status);
  const auto forged = [](const policy::Reason& reason) {
    return reason.rule == "forged_results" && reason.finding == policy::Reason::Finding::note;
  };
  if (std::ranges::any_of(talk.transaction->reasons, forged)) {
    header = policy::remove_forged_results(header, talk.config->server.hostname);
  }
  return std::nullopt;
}

Refusal Inbound::sign(const Conversation& /*talk*/, queue::Arrival& arrival) {
  arrival.account = 0;
  arrival.bounce = store::BounceRight::none;  // nothing has proven the sender yet (product.md promise 4)
  return std::nullopt;
}

std::string Inbound::received_field(const Conversation& talk) const { return smtp::received_field(talk, Origin::shown); }

InboundService::InboundService(Parts parts, Metrics& metrics, std::shared_ptr<const net::TlsServer> tls)
    : parts_(parts), meters_(metrics, "smtp") {
  options_.service = "smtp";
  options_.tls = std::move(tls);
}

async::Task<> InboundService::serve(net::Connection& connection) {
  Inbound handler;
  Session session(connection, {parts_, options_, meters_}, handler);
  co_await session.run();
}

}  // namespace postern::smtp
