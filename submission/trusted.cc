// SPDX-License-Identifier: Apache-2.0
// The trusted-network listener; see trusted.h.
#include "submission/trusted.h"

#include <algorithm>

#include "smtp/trace.h"

namespace postern::submission {

namespace status = mail::status;
using smtp::reply;

std::optional<mail::RelayRight> TrustedNetwork::right_of(const IpAddress& peer, const config::Trusted& trusted) {
  return right_of(peer, trusted.networks);
}

std::optional<mail::RelayRight> TrustedNetwork::right_of(const IpAddress& peer, const std::vector<config::Network>& networks) {
  const auto text = peer.to_string();
  const bool inside = std::ranges::any_of(networks, [&](const auto& network) { return network.contains(text); });
  if (!inside) return std::nullopt;
  return mail::RelayRight(0);
}

/// Machines speak for addresses of our domains, never for strangers.
bool TrustedHandler::may_send_as(const smtp::Conversation& talk, const mail::Address& address) const {
  return address.domain() != nullptr && talk.parts.directory.is_local(*address.domain());
}

smtp::Refusal TrustedHandler::check_sender(const smtp::Conversation& talk, const mail::Envelope& envelope) {
  if (!right_) return reply(status::relay_denied);
  if (envelope.sender && !may_send_as(talk, *envelope.sender)) {
    return reply(status::not_your_address, "The sender must be an address of our domains");
  }
  return std::nullopt;
}

smtp::Refusal TrustedHandler::sign(const smtp::Conversation& talk, queue::Arrival& arrival) {
  arrival.account = 0;
  arrival.ours = true;
  // A bounce goes back only to a mailbox that is ours, so it cannot hit a stranger (product.md promise 4).
  const auto& sender = talk.transaction->envelope.sender;
  arrival.bounce = sender && may_send_as(talk, *sender) ? store::BounceRight::authenticated : store::BounceRight::none;
  return std::nullopt;
}

std::string TrustedHandler::received_field(const smtp::Conversation& talk) const {
  return smtp::received_field(talk, smtp::Origin::hidden);
}

TrustedService::TrustedService(smtp::Parts parts, Metrics& metrics, std::shared_ptr<const net::TlsServer> tls)
    : parts_(parts), meters_(metrics, "trusted") {
  options_.service = "trusted";
  options_.tls = std::move(tls);
}

async::Task<> TrustedService::serve(net::Connection& connection) {
  TrustedHandler handler(TrustedNetwork::right_of(connection.peer().address, parts_.config.get()->trusted));
  smtp::Session session(connection, {parts_, options_, meters_}, handler);
  co_await session.run();
}

}  // namespace postern::submission
