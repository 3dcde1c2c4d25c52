// SPDX-License-Identifier: Apache-2.0
// DATA (RFC 5321 §4.1.1.4), and the two ends of message content that it shares with BDAT.
#include <algorithm>

#include "base/ascii.h"
#include "config/gate.h"
#include "smtp/binary.h"
#include "smtp/commands.h"
#include "smtp/tracing.h"

namespace postern::smtp {
namespace {

namespace status = mail::status;

/// Recipients for the log, at most this many.
constexpr std::size_t logged_recipients = 20;

std::string recipients_text(const std::vector<mail::Recipient>& recipients) {
  std::string out;
  for (std::size_t i = 0; i < std::min(recipients.size(), logged_recipients); ++i) {
    if (i != 0) out += ',';
    out += recipients[i].address.to_string();
  }
  if (recipients.size() > logged_recipients) out += fmt::format(",+{}", recipients.size() - logged_recipients);
  return out;
}

/// One line for each message, taken or not (product.md promise 5).
void log_outcome(const Conversation& talk, const Transaction& transaction, const Reply& reply) {
  auto& log = talk.parts.log;
  if (!log.enabled(LogLevel::info)) return;
  log.info(talk.options.service, reply.is_success() ? "accepted" : "refused",
           {{"id", transaction.id},
            {"ip", talk.ip()},
            {"helo", talk.helo},
            {"tls", talk.tls()},
            {"from", mail::to_string(transaction.envelope.sender)},
            {"to", recipients_text(transaction.envelope.recipients)},
            {"size", transaction.intake ? transaction.intake->received() : 0},
            {"rules", policy::to_string(transaction.reasons)},
            {"reply", fmt::format("{} {}", reply.code, reply.text)}});
}

LineRule line_rule(const Conversation& talk) {
  if (talk.transaction->envelope.body == mail::BodyType::binary_mime) return LineRule::binary;
  const auto ip = talk.ip();
  const auto& mended = talk.config->gate->mend_line_ends_from;
  return std::ranges::any_of(mended, [&](const auto& one) { return one.contains(ip); }) ? LineRule::mend : LineRule::strict;
}

/// The body as it is stored.
async::Task<std::expected<store::BodyPtr, Reply>> take_body(Conversation& talk) {
  auto& transaction = *talk.transaction;
  auto body = transaction.intake->finish();
  if (!body || transaction.envelope.body != mail::BodyType::binary_mime) co_return body;
  transaction.envelope.body = mail::BodyType::eight_bit_mime;
  co_return co_await encode_binary(std::move(*body), talk.parts.store.spool(), talk.config->limits.text_line);
}

/// The message, all of it, as the door wants it.
queue::Arrival make_arrival(Context& context, store::BodyPtr body) {
  auto& transaction = *context.talk.transaction;
  queue::Arrival arrival;
  arrival.trace = context.handler.received_field(context.talk);
  arrival.envelope = transaction.envelope;
  arrival.envelope.recipients.clear();
  arrival.body = std::move(body);
  note_places(context.talk, transaction);
  arrival.local = std::move(transaction.route.local);
  arrival.remote = std::move(transaction.route.remote);
  return arrival;
}

async::Task<Reply> hand_in(Context& context) {
  auto& talk = context.talk;
  auto body = co_await take_body(talk);
  if (!body) co_return std::move(body.error());
  auto arrival = make_arrival(context, std::move(*body));
  if (auto refused = co_await context.handler.judge_message(talk, arrival)) co_return std::move(*refused);
  if (auto refused = context.handler.sign(talk, arrival)) co_return std::move(*refused);
  talk.transaction->account = arrival.account;
  auto receipt = co_await talk.parts.door.accept(std::move(arrival), talk.transaction->id);
  if (!receipt) {
    talk.parts.log.warning(talk.options.service, "not stored", {{"id", talk.transaction->id}, {"why", receipt.error().text}});
    // Only one recipient: the answer is about it alone. With several, each is told apart when the sender tries again.
    const bool alone = talk.transaction->envelope.recipients.size() == 1;
    if (receipt.error().kind == ErrorKind::over_quota && alone) co_return mailbox_full_reply(talk);
    co_return reply_for(receipt.error());
  }
  talk.transaction->delivered = std::move(receipt->delivered);
  ++talk.tally.messages;
  talk.tally.junk = 0;
  co_return reply(status::accepted, "Accepted as " + receipt->id);
}

}  // namespace

void begin_content(Context& context) {
  auto& talk = context.talk;
  auto& transaction = *talk.transaction;
  const auto& limits = talk.config->limits;
  transaction.id = talk.parts.door.new_id();
  transaction.content_end = std::chrono::steady_clock::now() + limits.data_total;
  const IntakeLimits intake{.message = context.handler.message_limit(talk),
                            .header = limits.header_bytes,
                            .line = limits.text_line,
                            .lines = line_rule(talk)};
  transaction.intake = std::make_unique<Intake>(
      talk.parts.store.spool(), intake, [&context_talk = talk, &handler = context.handler](std::string& header) -> Refusal {
        // RFC 5322 §2.2.3: a line that begins with a space continues the one above, and that one is ours.
        if (!header.empty() && ascii::is_wsp(header.front()))
          return reply(status::bad_message, "The first line of the message begins with a space; it must be a header field");
        const auto sound = mime::check_limits(header);
        if (!sound) return reply(status::header_too_large);
        if (context_talk.parts.trace != nullptr) context_talk.transaction->message_id = message_id_in(header);
        return handler.check_header(context_talk, header);
      });
  transaction.intake->show_body_to(
      [&context_talk = talk, &handler = context.handler](std::string_view bytes) { handler.see_body(context_talk, bytes); });
}

async::Task<Reply> finish_message(Context& context) {
  auto answer = co_await hand_in(context);
  (answer.is_success() ? context.talk.meters.accepted : context.talk.meters.refused).add();
  log_outcome(context.talk, *context.talk.transaction, answer);
  trace_message(context.talk, *context.talk.transaction, answer);
  context.talk.transaction.reset();
  co_return answer;
}

Reply run_data(Context& context, std::string_view arguments) {
  auto& transaction = *context.talk.transaction;
  if (!arguments.empty()) return reply(status::bad_syntax);
  if (transaction.chunking) return reply(status::bad_sequence, "BDAT has begun; go on with it");
  // RFC 3030 §3
  if (transaction.envelope.body == mail::BodyType::binary_mime)
    return reply(status::bad_sequence, "Binary content comes by BDAT");
  if (transaction.envelope.recipients.empty()) {
    // RFC 2920 §3.1: the transaction stays open, so that a client which pipelined can still send RSET.
    return transaction.rcpt_tried ? reply(status::no_valid_recipients) : reply(status::bad_sequence, "Say RCPT first");
  }
  begin_content(context);
  auto answer = reply(status::start_data);
  answer.then = Then::receive_data;
  return answer;
}

}  // namespace postern::smtp
