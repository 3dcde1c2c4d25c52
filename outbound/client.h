// SPDX-License-Identifier: Apache-2.0
// Client: one SMTP conversation over a connection that somebody else opened. It knows no routes, no pool and no queue.
//
// Contract: greet() first, then start_tls() and authenticate() where wanted, then any number of send(), then quit().
// Nothing throws for what the peer does: a step that fails gives an Outcome that says who said what, and usable() turns
// false when the conversation cannot go on. Every wait has a limit (security.md §1.6), every reply is bounded (reply_parser.h).
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "auth/sasl_client.h"
#include "config/config.h"
#include "mail/outcome.h"
#include "net/connection.h"
#include "outbound/capabilities.h"
#include "outbound/commands.h"
#include "outbound/reply_parser.h"
#include "store/store.h"

namespace postern::outbound {

/// A message and those of its recipients that go now. Everything outlives the call of send().
struct Parcel {
  const store::QueueEntry& entry;
  const Needs& needs;
  store::BodyReader& body;
  std::vector<const store::QueueRecipient*> to;
  /// Told to[index] as soon as the server took it, before anything else is done with its reply. May be empty.
  mutable std::move_only_function<void(std::size_t index)> taken = {};
};

/// How far a send() came: the courier tries another host only when the first one never had the message.
enum class Reach : std::uint8_t {
  nothing,   ///< no reply to any command: the connection was dead
  envelope,  ///< refused or lost before the content was under way
  content    ///< the content was sent at least in part, or refused by a reply to DATA
};

struct Sent {
  std::vector<mail::Outcome> outcomes;  ///< one for each of Parcel::to
  Reach reach = Reach::nothing;
  bool sender_refused = false;  ///< MAIL was refused; says nothing about recipients
};

class Client {
 public:
  /// A step of the session: nothing, or what became of it for every recipient.
  using Step = std::expected<void, mail::Outcome>;

  /// `host` is the peer's name for log and DSN. The configuration gives our name and the time limits.
  Client(std::unique_ptr<net::Connection> connection, std::string host, std::shared_ptr<const config::Config> config);
  ~Client();

  /// RFC 2033: LHLO, and a reply for each recipient behind the message. Before greet().
  void speak_lmtp() { lmtp_ = true; }
  /// MAIL FROM:<> and RCPT, then RSET: whether mail for the address would be taken now. `delivered` means yes.
  async::Task<mail::Outcome> try_recipient(const mail::Address& recipient);
  /// Greeting, EHLO, and HELO where EHLO is not known (RFC 5321 §3.2).
  async::Task<Step> greet();
  /// RFC 3207. After an error usable() tells whether the server only declined (we may go on in clear text where the policy
  /// allows that) or the connection is lost. Data that came before the handshake is a failure (security.md D11).
  async::Task<Step> start_tls(const net::TlsClient& tls, const net::TlsClientPolicy& policy);
  /// RFC 4954. Refuses to speak without TLS.
  async::Task<Step> authenticate(auth::SaslClient& sasl);
  /// MAIL, RCPT and DATA, pipelined when the server offers that (RFC 2920).
  async::Task<Sent> send(const Parcel& parcel);
  /// Limit of all that follows, whatever the peer does.
  void set_deadline(std::chrono::steady_clock::time_point end) { connection_->set_deadline(end); }
  /// Says goodbye and closes.
  async::Task<> quit();

  bool usable() const { return usable_; }
  const Capabilities& capabilities() const { return capabilities_; }
  const std::string& host() const { return host_; }
  bool is_tls() const { return connection_->is_tls(); }
  /// "TLSv1.3 TLS_AES_256_GCM_SHA384 verified", or empty.
  std::string tls_text() const;
  /// Why the certificate does not prove the host's name; empty when it does, or without TLS.
  std::string tls_trouble() const { return connection_->is_tls() ? connection_->tls()->verify_error : std::string(); }
  /// Our address on this connection.
  std::string own_ip() const { return connection_->local().address.to_string(); }
  bool tls_verified() const { return connection_->is_tls() && connection_->tls()->verified; }
  std::size_t messages() const { return messages_; }

 private:
  struct Envelope;
  using ReplyResult = std::expected<Reply, mail::Outcome>;

  async::Task<ReplyResult> read_reply(config::Duration limit, std::string_view waiting_for);
  async::Task<ReplyResult> command(std::string line, config::Duration limit);
  async::Task<Step> hello();
  async::Task<Step> reset();
  async::Task<> send_envelope(const Parcel& parcel, Envelope& out);
  async::Task<> send_pipelined(const Parcel& parcel, Envelope& out);
  async::Task<> send_stepwise(const Parcel& parcel, Envelope& out);
  async::Task<bool> take_mail_reply(Envelope& out);
  async::Task<bool> take_rcpt_reply(Envelope& out, std::size_t index);
  async::Task<> take_data_reply(Envelope& out);
  async::Task<Step> send_data(store::BodyReader& body);
  async::Task<> send_content(const Parcel& parcel, Envelope& envelope, Sent& sent);
  async::Task<> take_lmtp_replies(const Parcel& parcel, Envelope& envelope, Sent& sent);
  mail::Outcome lost(std::string_view waiting_for, const Error& error);
  mail::Outcome broken(std::string_view what);

  std::unique_ptr<net::Connection> connection_;
  std::string host_;
  std::shared_ptr<const config::Config> config_;
  ReplyParser parser_;
  Capabilities capabilities_;
  std::size_t messages_ = 0;
  bool usable_ = true;
  bool lmtp_ = false;
  bool needs_reset_ = false;
};

}  // namespace postern::outbound
