// SPDX-License-Identifier: Apache-2.0
// Handler of 587 and 465 (RFC 6409, RFC 8314): TLS first, then AUTH, then mail from the account's own addresses. The login,
// and with it the right to relay, lives in this object and dies with the session.
#pragma once

#include <memory>
#include <optional>

#include "auth/service.h"
#include "smtp/session.h"
#include "submission/allowance.h"
#include "submission/outgoing.h"

namespace postern::submission {

class Handler final : public Outgoing {
 public:
  Handler(auth::Service& service, Allowance& allowance) : service_(service), allowance_(allowance) {}

  smtp::Offer offer(const smtp::Conversation& talk) const override;
  bool has_logins() const override { return true; }
  async::Task<smtp::Reply> authenticate(smtp::Conversation& talk, smtp::AuthArguments arguments,
                                        smtp::ChallengeLine& line) override;
  void forget() override { login_.reset(); }
  bool login_ended() const override { return login_ && login_->ticket && login_->ticket->is_over(); }
  smtp::Refusal check_sender(const smtp::Conversation& talk, const mail::Envelope& envelope) override;
  std::expected<smtp::Route, smtp::Reply> route(const smtp::Conversation& talk, const mail::Recipient& recipient) override;
  smtp::Refusal sign(const smtp::Conversation& talk, queue::Arrival& arrival) override;
  std::string received_field(const smtp::Conversation& talk) const override;

 private:
  const mail::RelayRight* right() const override { return login_ ? &login_->relay : nullptr; }
  bool may_send_as(const smtp::Conversation& talk, const mail::Address& address) const override;
  Claims claims() const override { return Claims::every; }
  /// What this account may send, by its own settings.
  AllowanceLimits limits(const smtp::Conversation& talk) const;
  smtp::Reply suspended() const;
  smtp::Reply conclude(smtp::Conversation& talk, auth::Step step);
  smtp::Reply refuse(const smtp::Conversation& talk, auth::Refusal refusal);

  auth::Service& service_;
  Allowance& allowance_;
  std::optional<auth::Login> login_;
  unsigned failures_ = 0;
  std::vector<std::uint64_t> outside_;  ///< recipients elsewhere of the transaction
};

/// The service behind the listeners of 587 (with `tls` for STARTTLS) and 465 (the connection is TLS already).
class Service {
 public:
  struct Rooms {
    smtp::Parts parts;
    auth::Service& auth;
    Allowance& allowance;
  };
  Service(Rooms rooms, Metrics& metrics, std::shared_ptr<const net::TlsServer> tls);
  smtp::SessionOptions& options() { return options_; }
  async::Task<> serve(net::Connection& connection);

 private:
  Rooms rooms_;
  smtp::Meters meters_;
  smtp::SessionOptions options_;
};

}  // namespace postern::submission
