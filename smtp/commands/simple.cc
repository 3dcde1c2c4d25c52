// SPDX-License-Identifier: Apache-2.0
// RSET, NOOP, QUIT, HELP, VRFY and EXPN (RFC 5321 §4.1.1.5–§4.1.1.10).
#include "smtp/commands.h"

namespace postern::smtp {

namespace status = mail::status;

Reply run_rset(Context& context, std::string_view arguments) {
  if (!arguments.empty()) return reply(status::bad_syntax);
  context.talk.transaction.reset();
  return reply(status::ok);
}

Reply run_noop(Context& /*context*/, std::string_view /*arguments*/) { return reply(status::ok); }

Reply run_quit(Context& context, std::string_view arguments) {
  if (!arguments.empty()) return reply(status::bad_syntax);
  context.talk.transaction.reset();
  return closing(status::goodbye);
}

Reply run_help(Context& /*context*/, std::string_view /*arguments*/) {
  return {214, {2, 0, 0}, "EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT", Then::go_on};
}

// RFC 5321 §3.5.3, §7.3: 252 for everything, so that nobody learns which mailboxes exist (security.md D19).
Reply run_vrfy(Context& /*context*/, std::string_view arguments) {
  return reply(arguments.empty() ? status::bad_syntax : status::cannot_verify);
}

Reply run_refused(Context& /*context*/, std::string_view /*arguments*/) { return reply(status::not_implemented); }

}  // namespace postern::smtp
