// SPDX-License-Identifier: Apache-2.0
// EHLO and HELO (RFC 5321 §4.1.1.1).
#include "smtp/commands.h"

namespace postern::smtp {
namespace {

namespace status = mail::status;

/// What both greetings do. A repeated greeting is a reset (RFC 5321 §4.1.4).
Refusal greet(Conversation& talk, std::string_view arguments) {
  auto name = parse_hello(arguments);
  if (!name) return reply(name.error());
  // RFC 2920 §3.1: EHLO is the last command of a group; a client that goes on without our answer does not follow the
  // protocol (security.md D8).
  if (!talk.connection.buffered().empty())
    return closing(status::talked_too_early, "You must wait for the reply to the greeting");
  if (!talk.helo.empty()) ++talk.tally.junk;
  talk.config = talk.parts.config.get();
  talk.transaction.reset();
  talk.helo = std::move(*name);
  return std::nullopt;
}

}  // namespace

Reply run_ehlo(Context& context, std::string_view arguments) {
  auto& talk = context.talk;
  if (auto refused = greet(talk, arguments)) return std::move(*refused);
  talk.esmtp = true;
  return reply(status::hello, announce(talk.config->server.hostname, context.handler.offer(talk)));
}

Reply run_helo(Context& context, std::string_view arguments) {
  auto& talk = context.talk;
  if (auto refused = greet(talk, arguments)) return std::move(*refused);
  talk.esmtp = false;
  return reply(status::hello, talk.config->server.hostname);
}

}  // namespace postern::smtp
