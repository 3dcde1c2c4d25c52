// SPDX-License-Identifier: Apache-2.0
// TrustedNetwork: the listener for machines that cannot log in. It alone, beside a login, can make a RelayRight, and only for
// a peer inside of config.trusted.networks (product.md promise 2). All other peers are refused.
#pragma once

#include <memory>
#include <optional>

#include "smtp/session.h"
#include "submission/outgoing.h"

namespace postern::submission {

class TrustedNetwork {
 public:
  /// A right on behalf of no account, when the peer is inside one of the networks.
  static std::optional<mail::RelayRight> right_of(const IpAddress& peer, const config::Trusted& trusted);
  /// The same for other listeners whose networks the admin lists (submission/device.h).
  static std::optional<mail::RelayRight> right_of(const IpAddress& peer, const std::vector<config::Network>& networks);
};

class TrustedHandler final : public Outgoing {
 public:
  explicit TrustedHandler(std::optional<mail::RelayRight> right) : right_(right) {}
  smtp::Refusal check_sender(const smtp::Conversation& talk, const mail::Envelope& envelope) override;
  smtp::Refusal sign(const smtp::Conversation& talk, queue::Arrival& arrival) override;
  std::string received_field(const smtp::Conversation& talk) const override;

 private:
  const mail::RelayRight* right() const override { return right_ ? &*right_ : nullptr; }
  bool may_send_as(const smtp::Conversation& talk, const mail::Address& address) const override;
  Claims claims() const override { return Claims::author; }
  std::optional<mail::RelayRight> right_;
};

class TrustedService {
 public:
  TrustedService(smtp::Parts parts, Metrics& metrics, std::shared_ptr<const net::TlsServer> tls);
  smtp::SessionOptions& options() { return options_; }
  async::Task<> serve(net::Connection& connection);

 private:
  smtp::Parts parts_;
  smtp::Meters meters_;
  smtp::SessionOptions options_;
};

}  // namespace postern::submission
