// SPDX-License-Identifier: Apache-2.0
// Inbound: port 25. Takes mail for our addresses from anybody; there are no logins, and no member that could hold a
// RelayRight (product.md promise 2): remote recipients come only from an owner's forward.
#pragma once

#include <memory>

#include "policy/gate.h"
#include "smtp/handler.h"
#include "smtp/rule_meters.h"
#include "smtp/session.h"

namespace postern::smtp {

class Inbound : public Handler {
 public:
  /// Without a gate only the rules about the message itself are asked.
  /// `meters` may be null: nothing is counted.
  explicit Inbound(policy::Gate* gate = nullptr, policy::Gate::Purpose purpose = policy::Gate::Purpose::decide,
                   const RuleMeters* meters = nullptr)
      : gate_(gate), purpose_(purpose), meters_(meters) {}
  Offer offer(const Conversation& talk) const override;
  Refusal check_sender(const Conversation& talk, const mail::Envelope& envelope) override;
  std::expected<Route, Reply> route(const Conversation& talk, const mail::Recipient& recipient) override;
  async::Task<Refusal> judge_recipient(Conversation& talk, const mail::Recipient& recipient) override;
  std::uint64_t message_limit(const Conversation& talk) const override;
  Refusal check_header(Conversation& talk, std::string& header) override;
  void see_body(Conversation& talk, std::string_view bytes) override;
  async::Task<Refusal> judge_message(Conversation& talk, queue::Arrival& arrival) override;
  Refusal sign(const Conversation& talk, queue::Arrival& arrival) override;
  std::string received_field(const Conversation& talk) const override;

 private:
  void begin_authentication(Conversation& talk, const std::string& header);
  policy::Verdict judge_whole(const Conversation& talk, const policy::Authentication* all) const;
  policy::Settings settings_of(const Conversation& talk) const;
  policy::Gate* gate_;
  policy::Gate::Purpose purpose_;
  const RuleMeters* meters_;
  policy::Visit visit_;
};

/// The service behind the port-25 listener.
class InboundService {
 public:
  /// `gate` outlives the service; null: rules that need DNS or memory are not asked.
  InboundService(Parts parts, Metrics& metrics, std::shared_ptr<const net::TlsServer> tls, policy::Gate* gate = nullptr);
  /// For tests that want no waiting.
  SessionOptions& options() { return options_; }
  /// One session; ends when the connection may be closed.
  async::Task<> serve(net::Connection& connection);

 private:
  Parts parts_;
  Meters meters_;
  RuleMeters rule_meters_;
  SessionOptions options_;
  policy::Gate* gate_;
};

/// The reply for a verdict that does not accept.
Reply refusal_of(const policy::Verdict& verdict);
/// The evidence of the message under way, for policy::judge.
policy::HeaderEvidence evidence_of(const Conversation& talk, policy::Direction direction, std::string_view header,
                                   const std::string& ip);

}  // namespace postern::smtp
