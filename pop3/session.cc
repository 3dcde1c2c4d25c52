// SPDX-License-Identifier: Apache-2.0
#include "pop3/session.h"

#include "base/cursor.h"
#include "pop3/commands.h"

namespace postern::pop3 {

Session::Session(net::Connection& connection, Services services, Settings settings)
    : connection_(connection), services_(services), settings_(settings) {}

async::Task<> Session::run() {
  // There is no plaintext POP3 (product.md promise 3).
  if (!connection_.is_tls()) co_return co_await end_with("TLS required", "");
  connection_.set_timeout(std::min<std::chrono::milliseconds>(settings_.idle, settings_.login_limit));
  connection_.set_deadline(std::chrono::steady_clock::now() + settings_.login_limit);
  if (!co_await send(Reply::ok("POP3 ready"))) co_return;
  while (co_await read_and_answer()) {
  }
  // The connection may take its time to close; nobody else shall wait for that.
  release_maildrop();
  services_.log.info("pop3", "closed",
                     {{"ip", connection_.peer().address.to_string()},
                      {"login", login_},
                      {"in", connection_.bytes_read()},
                      {"out", connection_.bytes_written()}});
}

// One turn of the loop; false when the session is over.
async::Task<bool> Session::read_and_answer() {
  auto line = co_await connection_.read_line(max_command_line);
  if (!line) {
    switch (line.error().kind) {
      case ErrorKind::too_large: co_return co_await send(Reply::error("line too long"));
      case ErrorKind::invalid: co_return co_await send(Reply::error("lines end with CR LF and hold no NUL"));
      case ErrorKind::timeout: co_await end_with("timed out", "SYS/TEMP"); co_return false;
      case ErrorKind::unavailable: co_await end_with(ending().text, ending().code); co_return false;
      default: co_return false;  // gone without QUIT: nothing is deleted
    }
  }
  // Nothing is deleted: the session does not enter the UPDATE state (RFC 1939 §3).
  if (ticket_ && ticket_->is_over()) {
    co_await end_with(ending().text, ending().code);
    co_return false;
  }
  co_return co_await send(co_await answer(*line));
}

Session::Ending Session::ending() const {
  if (ticket_ && ticket_->is_over()) return {"your login is no longer valid, log in again", "AUTH"};
  return {"service is stopping", "SYS/TEMP"};
}

async::Task<Reply> Session::answer(std::string_view line) {
  const auto command = parse_command(line);
  if (!command) co_return Reply::error("unknown command");
  for (const auto& row : command_table()) {
    if (row.verb != command->verb) continue;
    if ((row.states & static_cast<unsigned>(state_)) == 0) {
      co_return Reply::error(state_ == State::authorization ? "log in first" : "already logged in");
    }
    const std::string argument(command->argument);  // the line's view ends with the next read
    co_return co_await row.run(*this, argument);
  }
  co_return Reply::error("unknown command");
}

// RFC 2449 §6.6: replies to pipelined commands go out together.
async::Task<bool> Session::send(Reply reply) {
  if (over_budget(reply)) reply = Reply::fatal("too many errors");
  connection_.append(reply.text);
  if (!reply.close && connection_.has_complete_line()) co_return true;
  const auto sent = co_await connection_.flush();
  co_return sent.has_value() && !reply.close;
}

bool Session::over_budget(const Reply& reply) {
  if (!reply.failed) return false;
  ++bad_commands_;
  const auto allowed = state_ == State::authorization ? settings_.bad_commands_before_login : settings_.bad_commands;
  return !reply.close && bad_commands_ > allowed;
}

async::Task<> Session::end_with(std::string_view text, std::string_view code) { co_await send(Reply::fatal(text, code)); }

auth::Origin Session::origin() const {
  return {auth::Protocol::pop3, connection_.peer().address.to_string(), connection_.is_tls(),
          connection_.tls() ? connection_.tls()->channel_binding : std::string()};
}

namespace {
// RFC 3206 §4 and RFC 2449 §8.1
Reply refusal_reply(auth::Refusal refusal) {
  switch (refusal) {
    case auth::Refusal::unavailable: return Reply::error("authentication is not available now", "SYS/TEMP");
    case auth::Refusal::throttled: return Reply::error("too many failures, wait some minutes", "SYS/TEMP");
    case auth::Refusal::malformed: return Reply::error("broken authentication data");
    case auth::Refusal::aborted: return Reply::error("authentication cancelled");
    case auth::Refusal::bad_mechanism: return Reply::error("mechanism not offered");
    case auth::Refusal::no_tls: return Reply::error("TLS required");
    case auth::Refusal::bad_credentials: break;
  }
  return Reply::error("authentication failed", "AUTH");
}
}  // namespace

std::chrono::steady_clock::time_point Session::now() const {
  return services_.clock != nullptr ? services_.clock->steady() : std::chrono::steady_clock::now();
}

namespace {
/// The account's seconds, a day at most; zero when it has none.
std::chrono::seconds login_delay_of(const auth::AccountChoice& choice, mail::AccountId account) {
  constexpr std::uint64_t a_day = 24 * 60 * 60;
  const auto text = auth::choice_of(choice, account, auth::pop3_login_delay);
  Cursor in(text);
  return std::chrono::seconds(std::min(in.take_number().value_or(0), a_day));
}
}  // namespace

/// The refusal when the maildrop stays closed.
async::Task<std::optional<Reply>> Session::open_maildrop(const mail::Identity& identity) {
  const auto account = identity.account();
  // RFC 2449 §6.5, §8.1.1
  login_delay_ = login_delay_of(services_.choice, account);
  const auto wait = login_delay_.count() == 0 ? login_delay_ : services_.locks.wait_of(account, login_delay_, now());
  if (wait.count() > 0) {
    auto refusal = Reply::error(fmt::format("come again in {} seconds", wait.count()), "LOGIN-DELAY");
    refusal.failed = false;  // a client that is too early does nothing wrong
    co_return refusal;
  }
  const bool to_trash = auth::choice_of(services_.choice, account, auth::pop3_to_trash) == "on";
  auto drop = co_await Maildrop::open(services_.locks, services_.store.session(identity),
                                      {to_trash ? Maildrop::Removal::to_trash : Maildrop::Removal::expunge,
                                       auth::choice_of(services_.choice, account, auth::pop3_folders)});
  if (!drop) {
    if (drop.error().kind == ErrorKind::conflict) co_return Reply::error("maildrop is in use by another session", "IN-USE");
    services_.log.error("pop3", "maildrop not opened", {{"login", identity.login()}, {"error", drop.error().text}});
    co_return Reply::error("mailbox is not available now", "SYS/TEMP");
  }
  if (login_delay_.count() != 0) services_.locks.note_login(account, now());
  maildrop_ = std::move(*drop);
  if (services_.trace != nullptr) {
    maildrop_->trace_by({services_.trace, *services_.clock, {identity.login(), "pop3", connection_.peer().address.to_string()}});
  }
  co_return std::nullopt;
}

async::Task<Reply> Session::finish_login(auth::Step step) {
  if (step.refusal) {
    auto reply = refusal_reply(*step.refusal);
    reply.failed = false;  // has a budget of its own

    const bool ours = *step.refusal == auth::Refusal::unavailable;  // security.md D68: no failure of the client's
    if (!ours) ++login_failures_;
    reply.close = login_failures_ >= settings_.login_failures;
    co_return reply;
  }
  if (!step.login) co_return Reply::error("authentication failed", "AUTH");
  if (auto refusal = co_await open_maildrop(step.login->identity)) co_return *std::move(refusal);
  login_ = step.login->identity.login();
  ticket_ = std::move(step.login->ticket);
  if (ticket_) ticket_->on_end(connection_.executor(), [this] { connection_.request_stop(); });
  state_ = State::transaction;
  connection_.settle();
  connection_.set_timeout(settings_.idle);
  co_return Reply::ok(fmt::format("{} messages ({} octets)", maildrop_->count(), maildrop_->octets()));
}

}  // namespace postern::pop3
