// SPDX-License-Identifier: Apache-2.0
// The session part of the client: greeting, TLS, login, goodbye, and how replies are read. client_send.cc carries messages.
#include "outbound/client.h"

#include "base/encoding.h"

namespace postern::outbound {

namespace {

/// Longest wait for the reply to QUIT: the peer owes us nothing any more.
constexpr config::Duration quit_limit{5};
constexpr std::size_t most_sasl_steps = 10;
constexpr std::uint16_t host_takes_no_mail = 521;  ///< RFC 7504 §3

mail::Outcome deferred(mail::EnhancedStatus status, std::string text) {
  mail::Outcome outcome;
  outcome.enhanced = status;
  outcome.text = one_line(text);
  return outcome;
}

/// A host that refuses to talk. RFC 7504 §3: only 521 and 556 say that it never takes mail; everything else is about us or about
/// today, and waits.
mail::Outcome refused(const Reply& reply, std::string_view host) {
  auto outcome = outcome_of(reply, host);
  if (reply.code != host_takes_no_mail && reply.code != mail::status::null_mx.code) {
    outcome.kind = mail::Outcome::Kind::deferred;
    outcome.enhanced.klass = 4;
  }
  return outcome;
}

}  // namespace

Client::Client(std::unique_ptr<net::Connection> connection, std::string host, std::shared_ptr<const config::Config> config)
    : connection_(std::move(connection)), host_(std::move(host)), config_(std::move(config)) {}

Client::~Client() = default;

mail::Outcome Client::lost(std::string_view waiting_for, const Error& error) {
  usable_ = false;
  // RFC 3463 §3.5: 4.4.2 bad connection.
  const std::string_view what = error.kind == ErrorKind::timeout ? "timed out" : "lost the connection";
  return deferred({4, 4, 2}, fmt::format("{} while waiting for {} from {}: {}", what, waiting_for, host_, error.text));
}

mail::Outcome Client::broken(std::string_view what) {
  usable_ = false;
  return deferred({4, 5, 0}, fmt::format("{} sent {}", host_, what));
}

async::Task<Client::ReplyResult> Client::read_reply(config::Duration limit, std::string_view waiting_for) {
  parser_.reset();
  connection_->set_timeout(limit);
  for (;;) {
    std::size_t consumed = 0;
    const auto state = parser_.feed(connection_->buffered(), consumed);
    connection_->consume(consumed);
    if (state == ReplyParser::State::broken) co_return std::unexpected(broken(parser_.fault()));
    if (state == ReplyParser::State::done) break;
    const auto filled = co_await connection_->fill();
    if (!filled) co_return std::unexpected(lost(waiting_for, filled.error()));
  }
  // RFC 5321 §3.8: 421 at any time, the server is about to close.
  if (parser_.reply().code == 421) usable_ = false;
  co_return parser_.reply();
}

async::Task<Client::ReplyResult> Client::command(std::string line, config::Duration limit) {
  connection_->set_timeout(limit);
  connection_->append(line);
  const auto flushed = co_await connection_->flush();
  const std::string_view verb = std::string_view(line).substr(0, line.find_first_of(" \r"));
  if (!flushed) co_return std::unexpected(lost(verb, flushed.error()));
  co_return co_await read_reply(limit, verb);
}

// RFC 5321 §3.1, §3.2
async::Task<Client::Step> Client::greet() {
  const auto greeting = co_await read_reply(config_->outbound.greeting_timeout, "the greeting");
  if (!greeting) co_return std::unexpected(greeting.error());
  if (!greeting->positive()) {
    usable_ = false;
    co_return std::unexpected(refused(*greeting, host_));
  }
  co_return co_await hello();
}

async::Task<Client::Step> Client::hello() {
  const auto limit = config_->outbound.command_timeout;
  const auto ehlo = co_await command((lmtp_ ? "LHLO " : "EHLO ") + config_->helo() + "\r\n", limit);
  if (!ehlo) co_return std::unexpected(ehlo.error());
  if (ehlo->positive()) {
    capabilities_ = read_capabilities(*ehlo);
    co_return Step();
  }
  // RFC 5321 §3.2: a server that does not know EHLO is greeted with HELO.
  capabilities_ = Capabilities();
  if (!ehlo->permanent() || !usable_ || lmtp_) {
    usable_ = false;
    co_return std::unexpected(refused(*ehlo, host_));
  }
  const auto helo = co_await command("HELO " + config_->helo() + "\r\n", limit);
  if (!helo) co_return std::unexpected(helo.error());
  if (helo->positive()) co_return Step();
  usable_ = false;
  co_return std::unexpected(refused(*helo, host_));
}

// RFC 3207 §4
async::Task<Client::Step> Client::start_tls(const net::TlsClient& tls, const net::TlsClientPolicy& policy) {
  const auto reply = co_await command("STARTTLS\r\n", config_->outbound.command_timeout);
  if (!reply) co_return std::unexpected(reply.error());
  if (reply->code != 220) {
    auto outcome = outcome_of(*reply, host_);
    outcome.kind = mail::Outcome::Kind::deferred;  // an offer that is not kept is a fault that may pass
    outcome.enhanced.klass = 4;
    co_return std::unexpected(std::move(outcome));
  }
  const auto shaken = co_await connection_->start_tls_client(tls, policy);
  if (!shaken) {
    usable_ = false;
    co_return std::unexpected(deferred({4, 7, 5}, fmt::format("TLS with {} failed: {}", host_, shaken.error().text)));
  }
  // RFC 3207 §4.2: what was said before the handshake is forgotten.
  co_return co_await hello();
}

// RFC 4954 §4
async::Task<Client::Step> Client::authenticate(auth::SaslClient& sasl) {
  if (!is_tls()) co_return std::unexpected(deferred({4, 7, 0}, host_ + ": no login without TLS"));
  const auto begin = sasl.start(capabilities_.auth);
  if (!begin) co_return std::unexpected(deferred({4, 7, 0}, host_ + ": " + begin.error().text));
  const auto limit = config_->outbound.command_timeout;
  const std::string initial = begin->initial.empty() ? "=" : base64_encode(begin->initial);
  auto reply = co_await command("AUTH " + begin->mechanism + " " + initial + "\r\n", limit);
  for (std::size_t steps = 0; reply && reply->code == 334 && steps < most_sasl_steps; ++steps) {
    const auto challenge = base64_decode(reply->lines.front());
    if (!challenge) co_return std::unexpected(broken("a challenge that is not base64"));
    const auto answer = sasl.step(*challenge);
    reply = co_await command((answer ? base64_encode(*answer) : std::string("*")) + "\r\n", limit);
  }
  if (!reply) co_return std::unexpected(reply.error());
  if (reply->code == 235 && sasl.complete()) co_return Step();
  usable_ = false;
  auto outcome = outcome_of(*reply, host_);
  // A refused login is our admin's to mend, not the sender's: the mail waits.
  outcome.kind = mail::Outcome::Kind::deferred;
  outcome.enhanced.klass = 4;
  outcome.text = "login at the smart host failed: " + outcome.text;
  co_return std::unexpected(std::move(outcome));
}

async::Task<mail::Outcome> Client::try_recipient(const mail::Address& recipient) {
  const auto limit = config_->outbound.command_timeout;
  needs_reset_ = true;
  auto reply = co_await command("MAIL FROM:<>\r\n", limit);
  if (!reply) co_return reply.error();
  if (!reply->positive()) {
    // About the null sender, not about the recipient.
    auto outcome = outcome_of(*reply, host_);
    outcome.kind = mail::Outcome::Kind::deferred;
    co_return outcome;
  }
  reply = co_await command("RCPT TO:<" + recipient.to_string() + ">\r\n", limit);
  if (!reply) co_return reply.error();
  auto outcome = outcome_of(*reply, host_);
  if (!co_await reset()) usable_ = false;
  co_return outcome;
}

async::Task<Client::Step> Client::reset() {
  if (!needs_reset_) co_return Step();
  const auto reply = co_await command("RSET\r\n", config_->outbound.command_timeout);
  if (!reply) co_return std::unexpected(reply.error());
  if (!reply->positive()) {
    usable_ = false;
    co_return std::unexpected(outcome_of(*reply, host_));
  }
  needs_reset_ = false;
  co_return Step();
}

async::Task<> Client::quit() {
  if (usable_) {
    usable_ = false;
    (void)co_await command("QUIT\r\n", quit_limit);
  }
  co_await connection_->close_gracefully();
}

std::string Client::tls_text() const {
  const auto* info = connection_->tls();
  if (info == nullptr) return {};
  return info->version + " " + info->cipher + (info->verified ? " verified" : "");
}

}  // namespace postern::outbound
