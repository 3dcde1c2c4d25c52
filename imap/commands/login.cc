// SPDX-License-Identifier: Apache-2.0
// LOGIN and AUTHENTICATE: both end in auth::Service, which is the only one to judge.
#include "base/secret.h"
#include "imap/limits.h"
#include "imap/session.h"

namespace postern::imap::commands {
namespace {

// RFC 5530 §3; what the client learns is one of these and no more (security.md D67).
Reply refusal_reply(auth::Refusal refusal) {
  switch (refusal) {
    case auth::Refusal::bad_credentials: return no("AUTHENTICATIONFAILED", "Wrong user name or password");
    case auth::Refusal::malformed: return bad("Broken authentication data");
    case auth::Refusal::aborted: return bad("Authentication was given up");
    case auth::Refusal::bad_mechanism: return no("CANNOT", "This mechanism is not offered");
    case auth::Refusal::no_tls: return no("PRIVACYREQUIRED", "TLS is needed");
    case auth::Refusal::throttled: return no("UNAVAILABLE", "Too many failed logins, try again later");
    case auth::Refusal::unavailable: return no("UNAVAILABLE", "Logins are not possible at the moment, try again later");
  }
  return no("UNAVAILABLE", "Logins are not possible at the moment, try again later");
}

Reply conclude(Session& session, auth::Step step) {
  if (step.login) return session.begin_account(*std::move(step.login));
  const auto refusal = step.refusal.value_or(auth::Refusal::unavailable);
  session.services().log.info("imap", "login refused", {{"ip", session.origin().ip}, {"reason", step.reason}});
  if (refusal == auth::Refusal::bad_credentials) session.count_login_failure();
  return refusal_reply(refusal);
}

}  // namespace

// RFC 3501 §6.2.3: login = "LOGIN" SP userid SP password; both are astrings
async::Task<Reply> login(Session& session, Command& command) {
  auto& in = command.args;
  in.sp();
  const auto user = in.astring();
  in.sp();
  auto password = in.astring();
  in.end();
  if (!in.ok()) {
    wipe(password);
    co_return in.fault();
  }
  auto secret = Secret::take(password);
  auto step = co_await session.services().auth.login(session.origin(), user, std::move(secret));
  co_return conclude(session, std::move(step));
}

// RFC 3501 §6.2.2, RFC 4959 §3: authenticate = "AUTHENTICATE" SP auth-type [SP (base64 / "=")] *(CRLF base64)
async::Task<Reply> authenticate(Session& session, Command& command) {
  auto& in = command.args;
  in.sp();
  const std::string mechanism(in.atom());
  std::optional<std::string> initial;
  if (in.ok() && !in.at_end()) {
    in.sp();
    initial = std::string(in.rest());
    if (initial->empty()) in.fail("Expected an initial response");
  }
  if (!in.ok()) co_return in.fault();
  const auto exchange = session.services().auth.begin(session.origin());
  auto step = co_await exchange->start(mechanism, std::move(initial));
  while (!step.login && !step.refusal) {
    session.out().append("+ ").append(auth::Exchange::encode(step)).append("\r\n");
    co_await session.flush();
    auto line = co_await session.read_line(limits::auth_line);
    step = co_await exchange->step(std::move(line));
  }
  co_return conclude(session, std::move(step));
}

}  // namespace postern::imap::commands
