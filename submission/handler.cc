// SPDX-License-Identifier: Apache-2.0
// Submission: login, sender rules, allowance.
#include "submission/handler.h"

#include <fmt/chrono.h>

#include "auth/account_settings.h"
#include "config/way_out.h"
#include "smtp/trace.h"

namespace postern::submission {

namespace status = mail::status;
using smtp::closing;
using smtp::reply;

namespace {

auth::Origin origin_of(const smtp::Conversation& talk) {
  auth::Origin origin;
  origin.protocol = auth::Protocol::submission;
  origin.ip = talk.ip();
  origin.tls = talk.tls();
  if (const auto* const tls = talk.connection.tls()) origin.channel_binding = tls->channel_binding;
  return origin;
}

/// Why no response came.
const mail::Status& status_for(const Error& error) {
  switch (error.kind) {
    case ErrorKind::timeout: return status::timed_out;
    case ErrorKind::unavailable: return status::shutting_down;
    case ErrorKind::too_large: return status::line_too_long;
    default: return status::bad_syntax;
  }
}

}  // namespace

smtp::Offer Handler::offer(const smtp::Conversation& talk) const {
  auto offer = Outgoing::offer(talk);
  if (talk.tls()) {
    offer.require_tls = true;  // RFC 8689 §2
    offer.now = talk.parts.clock.unix_now();
    offer.hold_seconds = talk.config->way_out->submission.hold_max.count();
  }
  // RFC 4954 §4: not offered after a login; and never without TLS (security.md D66).
  if (talk.tls() && !login_) offer.auth = service_.mechanisms(origin_of(talk));
  return offer;
}

// RFC 4954 §4
async::Task<smtp::Reply> Handler::authenticate(smtp::Conversation& talk, smtp::AuthArguments arguments,
                                               smtp::ChallengeLine& line) {
  if (!talk.tls()) co_return reply(status::tls_required);
  const auto exchange = service_.begin(origin_of(talk));
  auto step = co_await exchange->start(std::move(arguments.mechanism), std::move(arguments.initial));
  while (!step.login && !step.refusal) {
    auto answer = co_await line.ask(auth::Exchange::encode(step));
    if (!answer) co_return closing(status_for(answer.error()));
    step = co_await exchange->step(std::move(*answer));
  }
  co_return conclude(talk, std::move(step));
}

smtp::Reply Handler::conclude(smtp::Conversation& talk, auth::Step step) {
  const auto ip = talk.ip();
  if (step.refusal) {
    talk.parts.log.info(talk.options.service, "login refused", {{"ip", ip}, {"why", step.reason}});
    return refuse(talk, *step.refusal);
  }
  login_ = std::move(step.login);
  if (login_->ticket) {
    login_->ticket->on_end(talk.connection.executor(), [&connection = talk.connection] { connection.request_stop(); });
  }
  talk.authenticated = true;
  talk.connection.settle();
  talk.parts.log.info(talk.options.service, "login", {{"ip", ip}, {"login", login_->identity.login()}});
  return reply(status::authenticated);
}

smtp::Reply Handler::refuse(const smtp::Conversation& talk, auth::Refusal refusal) {
  const auto counted = [&](const mail::Status& status) {
    return ++failures_ >= talk.config->auth.session_failures ? closing(status) : reply(status);
  };
  switch (refusal) {
    case auth::Refusal::bad_credentials: return counted(status::auth_failed);
    case auth::Refusal::malformed: return counted(status::bad_base64);
    case auth::Refusal::aborted: return counted(status::auth_aborted);
    case auth::Refusal::bad_mechanism: return counted(status::bad_mechanism);
    case auth::Refusal::no_tls: return reply(status::tls_required);
    case auth::Refusal::throttled:
    case auth::Refusal::unavailable: break;
  }
  return reply(status::auth_unavailable);
}

bool Handler::may_send_as(const smtp::Conversation& talk, const mail::Address& address) const {
  return login_ && talk.parts.directory.may_send_as(login_->identity.account(), address);
}

AllowanceLimits Handler::limits(const smtp::Conversation& talk) const {
  auto out = allowance_.limits();
  const auto account = talk.parts.directory.account(login_->identity.account());
  if (!account) return out;
  const auto own = [&](std::string_view name, std::uint32_t& field) {
    field = auth::setting_number(*account, name).value_or(field);
  };
  own("messages_per_hour", out.messages_per_hour);
  own("messages_per_day", out.messages_per_day);
  own("recipients_per_hour", out.recipients_per_hour);
  own("recipients_per_day", out.recipients_per_day);
  own("new_recipients_per_day", out.new_recipients_per_day);
  return out;
}

/// The account has used up what it may send.
smtp::Reply Handler::suspended() const {
  const auto row = allowance_.suspension(login_->identity.account());
  if (!row) return reply(status::rate_limited);
  const std::chrono::sys_seconds until{std::chrono::seconds(row->until)};
  const auto end = row->until == 0 ? std::string("until your postmaster resumes it")
                                   : fmt::format("until {:%Y-%m-%d %H:%M} UTC", fmt::gmtime(until));
  return reply(status::rate_limited, fmt::format("Sending is suspended {}: {}. Reading goes on", end, row->reason));
}

smtp::Refusal Handler::check_sender(const smtp::Conversation& talk, const mail::Envelope& envelope) {
  if (!talk.tls()) return reply(status::tls_required);
  if (!login_) return reply(status::auth_required);
  // RFC 8098 §3: receipts have the null sender; their author is checked in the header like any other.
  if (envelope.sender && !may_send_as(talk, *envelope.sender)) {
    return reply(status::not_your_address, sender_refusal(*envelope.sender));
  }
  outside_.clear();
  if (!allowance_.permits(login_->identity.account(), {}, limits(talk))) return suspended();
  return std::nullopt;
}

std::expected<smtp::Route, smtp::Reply> Handler::route(const smtp::Conversation& talk, const mail::Recipient& recipient) {
  const auto so_far = talk.transaction->envelope.recipients.size();
  if (!login_) return std::unexpected(reply(status::auth_required));
  auto found = Outgoing::route(talk, recipient);
  if (!found) return found;
  const auto* const domain = recipient.address.domain();
  const bool ours = domain != nullptr && talk.parts.directory.is_local(*domain);
  Spending what{so_far + 1, outside_};
  if (!ours) what.outside.push_back(recipient_hash(recipient.address));
  if (!allowance_.permits(login_->identity.account(), what, limits(talk))) return std::unexpected(suspended());
  outside_ = std::move(what.outside);
  return found;
}

smtp::Refusal Handler::sign(const smtp::Conversation& talk, queue::Arrival& arrival) {
  if (!login_) return reply(status::auth_required);
  // A message under way when the login ended goes nowhere.
  if (login_ended()) return closing(status::login_ended);
  const auto account = login_->identity.account();
  const Spending what{talk.transaction->envelope.recipients.size(), outside_};
  if (!allowance_.spend(account, what, limits(talk))) return suspended();
  arrival.account = account;
  arrival.ours = true;
  arrival.bounce = store::BounceRight::authenticated;
  return std::nullopt;
}

// The network inside is nobody's business: no FROM clause (security.md D79).
std::string Handler::received_field(const smtp::Conversation& talk) const {
  return smtp::received_field(talk, smtp::Origin::hidden);
}

Service::Service(Rooms rooms, Metrics& metrics, std::shared_ptr<const net::TlsServer> tls)
    : rooms_(rooms), meters_(metrics, "submission") {
  options_.service = "submission";
  options_.tls = std::move(tls);
}

async::Task<> Service::serve(net::Connection& connection) {
  Handler handler(rooms_.auth, rooms_.allowance);
  smtp::Session session(connection, {rooms_.parts, options_, meters_}, handler);
  co_await session.run();
}

}  // namespace postern::submission
