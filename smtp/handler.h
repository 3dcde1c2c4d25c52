// SPDX-License-Identifier: Apache-2.0
// Handler: the whole difference between port 25, submission and the trusted network. One object for each session, because
// submission's holds the login. The base class refuses everything that needs a right; smtp/inbound and submission/ add theirs.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "async/task.h"
#include "config/spoof.h"
#include "policy/relay.h"
#include "smtp/capabilities.h"
#include "smtp/conversation.h"
#include "smtp/grammar.h"
#include "smtp/reply.h"

namespace postern::smtp {

/// The client's side of an AUTH exchange, given to Handler::authenticate.
class ChallengeLine {
 public:
  virtual ~ChallengeLine() = default;
  /// Sends "334 base64" and gives the client's next line. Errors end the session.
  virtual async::Task<Result<std::string>> ask(std::string base64) = 0;
};

class Handler {
 public:
  virtual ~Handler() = default;

  /// What is offered now; depends on TLS and login.
  virtual Offer offer(const Conversation& talk) const = 0;
  /// Whether AUTH can ever succeed here: command lines may be longer then.
  virtual bool has_logins() const { return false; }
  /// The reply to AUTH. Services without logins keep this one: 502.
  virtual async::Task<Reply> authenticate(Conversation& talk, AuthArguments arguments, ChallengeLine& line);
  /// STARTTLS succeeded: what the client said before is void (RFC 3207 §4.2).
  virtual void forget() {}
  /// True when the login no longer counts: its password was revoked or changed, or the account was disabled. The session ends.
  virtual bool login_ended() const { return false; }

  /// MAIL: may a transaction begin, and with this sender?
  virtual Refusal check_sender(const Conversation& talk, const mail::Envelope& envelope) = 0;
  /// RCPT: where this recipient leads, or why nowhere.
  virtual std::expected<Route, Reply> route(const Conversation& talk, const mail::Recipient& recipient) = 0;
  /// RCPT, once route() has found where it leads: what the rules say of client, greeting, sender and recipient.
  virtual async::Task<Refusal> judge_recipient(Conversation& talk, const mail::Recipient& recipient);
  /// Octets that the message under way may have; at most limits.message_bytes.
  virtual std::uint64_t message_limit(const Conversation& talk) const { return talk.config->limits.message_bytes; }
  /// The header block is complete: judge it and change what must be changed. Findings go to `talk.transaction->reasons`.
  virtual Refusal check_header(Conversation& talk, std::string& header) = 0;
  /// The next octets of the body, as they come.
  virtual void see_body(Conversation& talk, std::string_view bytes);
  /// The message is whole: what the rules say of all of it. May put fields above `arrival.trace`.
  virtual async::Task<Refusal> judge_message(Conversation& talk, queue::Arrival& arrival);
  /// The message is whole and about to pass the door: fill in whose it is; last chance to refuse.
  virtual Refusal sign(const Conversation& talk, queue::Arrival& arrival) = 0;
  /// The Received field of this message (smtp/trace).
  virtual std::string received_field(const Conversation& talk) const = 0;
};

/// The refusal for a mailbox without room, as [quota] when_full says.
Reply mailbox_full_reply(const Conversation& talk);

/// What [[spoof]] says of the transaction's sender and this recipient; nothing when it lets them pass.
Refusal refuse_by_way(const Conversation& talk, config::Way way, const mail::Address& recipient);

/// The entry of [[relay]] by which this recipient's mail goes on: one for the address alone, or one for its domain when nobody
/// of that name is here.
std::optional<policy::RelayRoute> relay_for(const Conversation& talk, const mail::Address& recipient);

/// Routes for an address of ours or of a relayed domain: mailboxes and owner's forwards, with the refusals of port 25:
/// no_such_mailbox, relay_denied, mailbox_disabled, mailbox_full, local_error, refused_by_policy (a group that this writer may
/// not write to).
std::expected<Route, Reply> route_local(const Conversation& talk, const mail::Recipient& recipient,
                                        const auth::Writer& writer = {});

}  // namespace postern::smtp
