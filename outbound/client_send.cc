// SPDX-License-Identifier: Apache-2.0
// One mail transaction. With PIPELINING, MAIL, all RCPT and DATA go out in one flush (RFC 2920 §3.1: DATA must be the last of
// a group); the replies are read in order. A message of up to one block leaves with its final dot in one write.
#include "outbound/client.h"

#include <algorithm>
#include <functional>

#include "outbound/data_encoder.h"

namespace postern::outbound {

namespace {

constexpr std::size_t block = 64 * 1024;  ///< octets read from the store and written at once

mail::Outcome not_tried() {
  mail::Outcome outcome;
  outcome.enhanced = {4, 4, 0};
  outcome.text = "not tried";
  return outcome;
}

mail::Outcome local_fault(const Error& error) {
  mail::Outcome outcome;
  outcome.enhanced = {4, 3, 0};
  outcome.text = "the message could not be read here: " + error.text;
  return outcome;
}

}  // namespace

/// What the envelope commands led to.
struct Client::Envelope {
  std::vector<mail::Outcome> outcomes;  ///< of recipients that were refused; others are "not tried"
  std::vector<std::size_t> accepted;    ///< indices of recipients that were accepted
  std::optional<mail::Outcome> failed;  ///< for all accepted ones: MAIL or DATA was refused, or the connection is lost
  bool answered = false;                ///< at least one reply came
  bool sender_refused = false;
  bool data_refused = false;  ///< by a reply to DATA
  bool go_ahead = false;      ///< 354
};

async::Task<bool> Client::take_mail_reply(Envelope& out) {
  const auto reply = co_await read_reply(config_->outbound.command_timeout, "the reply to MAIL");
  if (!reply) {
    out.failed = reply.error();
    co_return false;
  }
  out.answered = true;
  if (reply->positive()) co_return true;
  out.failed = outcome_of(*reply, host_);
  out.sender_refused = true;
  co_return usable_;
}

async::Task<bool> Client::take_rcpt_reply(Envelope& out, std::size_t index) {
  const auto reply = co_await read_reply(config_->outbound.command_timeout, "the reply to RCPT");
  if (!reply) {
    if (!out.failed) out.failed = reply.error();
    co_return false;
  }
  if (out.failed) co_return usable_;  // MAIL was refused: what follows it repeats that
  if (reply->positive()) {
    out.accepted.push_back(index);
  } else {
    out.outcomes[index] = outcome_of(*reply, host_);
  }
  if (usable_) co_return true;
  out.failed = outcome_of(*reply, host_);
  co_return false;
}

async::Task<> Client::take_data_reply(Envelope& out) {
  const auto reply = co_await read_reply(config_->outbound.data_timeout, "the reply to DATA");
  if (!reply) {
    if (!out.failed) out.failed = reply.error();
    co_return;
  }
  out.go_ahead = reply->code == 354;
  if (out.go_ahead || out.failed || (out.accepted.empty() && usable_)) co_return;  // no recipient: nothing to learn
  out.failed = outcome_of(*reply, host_);
  if (reply->positive()) out.failed = broken("a positive reply to DATA");
  out.data_refused = true;
}

async::Task<> Client::send_pipelined(const Parcel& parcel, Envelope& out) {
  connection_->append(mail_command(parcel.entry, parcel.needs, capabilities_));
  for (const auto* one : parcel.to) connection_->append(rcpt_command(one->recipient, capabilities_));
  connection_->append("DATA\r\n");
  connection_->set_timeout(config_->outbound.command_timeout);
  const auto flushed = co_await connection_->flush();
  if (!flushed) {
    out.failed = lost("MAIL", flushed.error());
    co_return;
  }
  if (!co_await take_mail_reply(out)) co_return;
  for (std::size_t i = 0; i < parcel.to.size(); ++i) {
    if (!co_await take_rcpt_reply(out, i)) co_return;
  }
  co_await take_data_reply(out);
}

async::Task<> Client::send_stepwise(const Parcel& parcel, Envelope& out) {
  connection_->append(mail_command(parcel.entry, parcel.needs, capabilities_));
  for (std::size_t i = 0; i <= parcel.to.size(); ++i) {
    connection_->set_timeout(config_->outbound.command_timeout);
    const auto flushed = co_await connection_->flush();
    if (!flushed) {
      out.failed = lost("an envelope command", flushed.error());
      co_return;
    }
    const bool on = i == 0 ? co_await take_mail_reply(out) : co_await take_rcpt_reply(out, i - 1);
    if (!on || out.failed) co_return;
    if (i < parcel.to.size()) connection_->append(rcpt_command(parcel.to[i]->recipient, capabilities_));
  }
  if (out.accepted.empty()) co_return;
  connection_->append("DATA\r\n");
  const auto flushed = co_await connection_->flush();
  if (!flushed) {
    out.failed = lost("DATA", flushed.error());
    co_return;
  }
  co_await take_data_reply(out);
}

async::Task<> Client::send_envelope(const Parcel& parcel, Envelope& out) {
  out.outcomes.assign(parcel.to.size(), not_tried());
  if (const auto ready = co_await reset(); !ready) {
    out.failed = ready.error();
    co_return;
  }
  needs_reset_ = true;
  if (capabilities_.pipelining) {
    co_await send_pipelined(parcel, out);
  } else {
    co_await send_stepwise(parcel, out);
  }
}

// RFC 5321 §4.1.1.4
async::Task<Client::Step> Client::send_data(store::BodyReader& body) {
  DataEncoder encoder;
  std::string out;
  connection_->set_timeout(config_->outbound.block_timeout);
  for (std::uint64_t at = 0; at < body.size();) {
    const auto piece = co_await body.read(at, block);
    if (!piece || piece->empty()) {
      // Without its dot the message is not accepted: the connection must go.
      usable_ = false;
      connection_->cancel();
      const Error ended{ErrorKind::io, "it ended before its size"};
      co_return std::unexpected(local_fault(piece ? ended : piece.error()));
    }
    at += piece->size();
    encoder.encode(*piece, out);
    if (out.size() < block) continue;
    const auto written = co_await connection_->write(out);
    if (!written) co_return std::unexpected(lost("room for the message", written.error()));
    out.clear();
  }
  encoder.finish(out);
  const auto written = co_await connection_->write(out);
  if (!written) co_return std::unexpected(lost("room for the message", written.error()));
  co_return Step();
}

async::Task<> Client::send_content(const Parcel& parcel, Envelope& envelope, Sent& sent) {
  sent.reach = Reach::content;
  const Step step = co_await send_data(parcel.body);
  if (!step) {
    envelope.failed = step.error();
    co_return;
  }
  if (lmtp_) co_return co_await take_lmtp_replies(parcel, envelope, sent);
  const auto reply = co_await read_reply(config_->outbound.dot_timeout, "the reply to the message");
  if (!reply) {
    envelope.failed = reply.error();
    co_return;
  }
  if (reply->positive() && parcel.taken) std::ranges::for_each(envelope.accepted, std::ref(parcel.taken));
  needs_reset_ = false;
  ++messages_;
  auto outcome = outcome_of(*reply, host_);
  outcome.dsn_passed = capabilities_.dsn;
  for (const std::size_t i : envelope.accepted) sent.outcomes[i] = outcome;
  envelope.accepted.clear();
}

// RFC 2033 §4.2: one reply for each recipient that was taken, in their order.
async::Task<> Client::take_lmtp_replies(const Parcel& parcel, Envelope& envelope, Sent& sent) {
  for (const std::size_t i : envelope.accepted) {
    const auto reply = co_await read_reply(config_->outbound.dot_timeout, "the reply for a recipient");
    if (!reply) {
      envelope.failed = reply.error();
      co_return;
    }
    if (reply->positive() && parcel.taken) parcel.taken(i);
    sent.outcomes[i] = outcome_of(*reply, host_);
    sent.outcomes[i].dsn_passed = capabilities_.dsn;
  }
  envelope.accepted.clear();
  needs_reset_ = false;
  ++messages_;
}

async::Task<Sent> Client::send(const Parcel& parcel) {
  Sent sent;
  Envelope envelope;
  co_await send_envelope(parcel, envelope);
  sent.outcomes = std::move(envelope.outcomes);
  sent.sender_refused = envelope.sender_refused;
  sent.reach = envelope.data_refused ? Reach::content : envelope.answered ? Reach::envelope : Reach::nothing;
  const bool content = !envelope.failed && !envelope.accepted.empty() && envelope.go_ahead;
  if (content) {
    co_await send_content(parcel, envelope, sent);
  } else if (envelope.go_ahead && usable_) {
    // RFC 2920 §3.1: a server that says 354 without a recipient gets an empty message.
    (void)co_await command(".\r\n", config_->outbound.command_timeout);
  }
  if (!envelope.failed) co_return sent;
  // Recipients that were refused by name keep their own reply.
  for (auto& outcome : sent.outcomes) {
    if (outcome.code == 0) outcome = *envelope.failed;
  }
  co_return sent;
}

}  // namespace postern::outbound
