// SPDX-License-Identifier: Apache-2.0
// MAIL (RFC 5321 §4.1.1.2): opens a transaction.
#include "smtp/commands.h"

namespace postern::smtp {
namespace {

namespace status = mail::status;

/// Limits of the session and the declared size.
Refusal check_limits(const Conversation& talk, const mail::Envelope& envelope) {
  const auto& limits = talk.config->limits;
  if (talk.tally.messages >= limits.messages_per_session) return closing(status::too_many_messages);
  // RFC 1870 §6.1
  if (envelope.declared_size.value_or(0) > limits.message_bytes) return reply(status::message_too_large);
  return std::nullopt;
}

}  // namespace

Reply run_mail(Context& context, std::string_view arguments) {
  auto& talk = context.talk;
  talk.config = talk.parts.config.get();
  auto parsed = parse_mail(arguments, context.handler.offer(talk).parameters(talk.esmtp));
  if (!parsed) return reply(parsed.error());
  if (auto refused = check_limits(talk, parsed->envelope)) return std::move(*refused);
  if (auto refused = context.handler.check_sender(talk, parsed->envelope)) return std::move(*refused);
  talk.transaction.emplace();
  talk.transaction->envelope = std::move(parsed->envelope);
  return reply(status::sender_ok);
}

}  // namespace postern::smtp
