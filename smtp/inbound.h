// SPDX-License-Identifier: Apache-2.0
// Inbound: port 25. Takes mail for our addresses from anybody; there are no logins, and no member that could hold a
// RelayRight (product.md promise 2): remote recipients come only from an owner's forward.
#pragma once

#include <memory>

#include "smtp/handler.h"
#include "smtp/session.h"

namespace postern::smtp {

class Inbound final : public Handler {
 public:
  Offer offer(const Conversation& talk) const override;
  Refusal check_sender(const Conversation& talk, const mail::Envelope& envelope) override;
  std::expected<Route, Reply> route(const Conversation& talk, const mail::Recipient& recipient) override;
  Refusal check_header(Conversation& talk, std::string& header) override;
  Refusal sign(const Conversation& talk, queue::Arrival& arrival) override;
  std::string received_field(const Conversation& talk) const override;
};

/// The service behind the port-25 listener.
class InboundService {
 public:
  InboundService(Parts parts, Metrics& metrics, std::shared_ptr<const net::TlsServer> tls);
  /// For tests that want no waiting.
  SessionOptions& options() { return options_; }
  /// One session; ends when the connection may be closed.
  async::Task<> serve(net::Connection& connection);

 private:
  Parts parts_;
  Meters meters_;
  SessionOptions options_;
};

/// The evidence of the message under way, for policy::judge.
policy::Evidence evidence_of(const Conversation& talk, policy::Direction direction, std::string_view header,
                             const std::string& ip);

}  // namespace postern::smtp
