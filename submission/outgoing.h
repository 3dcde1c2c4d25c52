// SPDX-License-Identifier: Apache-2.0
// Outgoing: what all handlers with a RelayRight share: recipients elsewhere are carried on the strength of the right, headers
// are completed. Without a right the routes are those of port 25.
#pragma once

#include <string>

#include "mail/identity.h"
#include "smtp/handler.h"
#include "submission/identity.h"

namespace postern::submission {

class Outgoing : public smtp::Handler {
 public:
  smtp::Offer offer(const smtp::Conversation& talk) const override;
  std::expected<smtp::Route, smtp::Reply> route(const smtp::Conversation& talk, const mail::Recipient& recipient) override;
  std::uint64_t message_limit(const smtp::Conversation& talk) const override;
  smtp::Refusal check_header(smtp::Conversation& talk, std::string& header) override;

 protected:
  /// Null: nobody has one in this session.
  virtual const mail::RelayRight* right() const = 0;
  /// Whether this author or envelope sender may be used in this session.
  virtual bool may_send_as(const smtp::Conversation& talk, const mail::Address& address) const = 0;
  /// Whether Sender and the Resent fields must be true too, or a foreign Sender is taken out.
  virtual Claims claims() const = 0;

 private:
  store::AccountId sender() const { return right() == nullptr ? 0 : right()->account(); }
};

}  // namespace postern::submission
