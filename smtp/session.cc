// SPDX-License-Identifier: Apache-2.0
// The SMTP loop; see session.h.
#include "smtp/session.h"

#include <algorithm>
#include <array>

#include "async/executor.h"
#include "base/ascii.h"
#include "config/gate.h"
#include "smtp/tracing.h"

namespace postern::smtp {
namespace {

namespace status = mail::status;
using std::chrono::steady_clock;

/// Replies to pipelined commands are sent at the latest when so many octets wait.
constexpr std::size_t output_limit = 16 * 1024;
/// Unknown recipients that cost nothing; each further one is delayed a step more, up to this many steps.
constexpr unsigned tarpit_from = 2;
constexpr unsigned tarpit_steps_max = 5;
/// Octets of message text taken from the connection at once, and how many until others get their turn.
constexpr std::size_t text_piece = 64 * 1024;
constexpr std::uint64_t text_turn = 1024 * 1024;

/// Words with which other protocols open (security.md D13).
constexpr std::array<std::string_view, 10> foreign_words{"GET",     "POST",   "PUT",   "HEAD",  "OPTIONS",
                                                         "CONNECT", "DELETE", "PATCH", "TRACE", "PRI"};

bool is_foreign(std::string_view line) {
  if (line.starts_with("SSH-")) return true;
  const auto word = line.substr(0, line.find(' '));
  return std::ranges::any_of(foreign_words, [&](auto foreign) { return ascii::iequals(word, foreign); });
}

net::TransferLimits transfer_limits(const config::Limits& limits) {
  net::TransferLimits out;
  out.minimum_rate = limits.data_min_rate;
  out.total = limits.data_total;
  return out;
}

}  // namespace

Meters::Meters(Metrics& metrics, const std::string& service)
    : sessions(metrics.counter("postern_smtp_sessions_total", "SMTP connections", {{"service", service}})),
      accepted(metrics.counter("postern_smtp_messages_total", "Messages", {{"service", service}, {"result", "accepted"}})),
      refused(metrics.counter("postern_smtp_messages_total", "Messages", {{"service", service}, {"result", "refused"}})),
      stressed(metrics.counter("postern_smtp_stress_total", "Commands waited for under stress", {{"service", service}})) {
  for (const char* version : {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}) {
    tls_.emplace_back(version, metrics.counter("postern_smtp_tls_sessions_total", "STARTTLS handshakes",
                                               {{"service", service}, {"version", version}}));
  }
}

void Meters::count_tls(const std::string& version) const {
  for (const auto& [name, counter] : tls_) {
    if (name == version) counter.add();
  }
}

Session::Session(net::Connection& connection, const ServiceParts& service, Handler& handler)
    : talk_{.connection = connection,
            .parts = service.parts,
            .options = service.options,
            .meters = service.meters,
            .config = service.parts.config.get(),
            .helo = {},
            .esmtp = false,
            .authenticated = false,
            .transaction = {},
            .tally = {}},
      handler_(handler) {}

void Session::send(const Reply& reply) {
  std::string text;
  append_to(text, reply);
  talk_.connection.append(text);
}

async::Task<> Session::run() {
  talk_.meters.sessions.add();
  talk_.connection.set_timeout(patience());
  talk_.connection.set_deadline(steady_clock::now() + talk_.options.first_recipient);
  bool open = co_await greet();
  while (open) open = co_await next_command();
  trace_end(talk_);
  talk_.transaction.reset();
  (void)co_await talk_.connection.flush();
}

// RFC 5321 §3.1, §4.3.1
async::Task<bool> Session::greet() {
  const auto& smtp = talk_.config->smtp;
  if (smtp.greeting_delay.count() > 0 && !talk_.tls()) {
    const auto wake = co_await talk_.connection.wait_input_until(steady_clock::now() + smtp.greeting_delay);
    if (!wake) co_return co_await end_by(wake.error());
    // Who speaks before the greeting does not follow the protocol (security.md D8).
    if (*wake == net::Wake::input) co_return co_await conclude(closing(status::talked_too_early));
  }
  send(reply(status::ready, talk_.config->server.hostname + ' ' + smtp.banner));
  const auto flushed = co_await talk_.connection.flush();
  if (!flushed) co_return false;
  co_return !co_await is_foreign_protocol();
}

/// A TLS hello or other binary on a plain port: there may never be a line end, so the first octet decides.
async::Task<bool> Session::is_foreign_protocol() {
  auto& connection = talk_.connection;
  if (connection.buffered().empty()) {
    const auto wake = co_await connection.wait_input_until(steady_clock::now() + connection.timeout());
    if (!wake) co_return !co_await end_by(wake.error());
    if (*wake == net::Wake::deadline) co_return !co_await end_by({ErrorKind::timeout, "no command came"});
  }
  const auto input = connection.buffered();
  if (input.empty()) co_return false;  // stop or timeout: the loop answers
  if (!ascii::is_ctl(input[0]) && !ascii::is_eight_bit(input[0])) co_return false;
  if (input[0] == '\r' || input[0] == '\n' || input[0] == '\t') co_return false;
  co_await conclude(closing(status::protocol_abuse));
  co_return true;
}

async::Task<bool> Session::next_command() {
  auto& connection = talk_.connection;
  if (!connection.has_complete_line() || connection.pending_output() > output_limit) {
    const auto flushed = co_await connection.flush();
    if (!flushed) co_return false;
  }
  connection.set_timeout(patience());
  const auto line = co_await connection.read_line(line_limit());
  if (line && handler_.login_ended()) co_return co_await conclude(closing(status::login_ended));
  if (line) co_return co_await conclude(co_await execute(*line));
  if (connection.line_fault() != net::LineFault::none &&
      (line.error().kind == ErrorKind::too_large || line.error().kind == ErrorKind::invalid)) {
    co_return co_await conclude(reply_to_bad_line());
  }
  co_return co_await end_by(line.error());
}

/// How long we wait for the client. When nearly all connections are taken the slow ones make room (security.md R10).
std::chrono::seconds Session::patience() const {
  const auto normal = talk_.config->limits.smtp_timeout;
  if (!talk_.options.under_stress || !talk_.options.under_stress()) return normal;
  talk_.meters.stressed.add();
  return std::min(normal, talk_.config->gate->stress_timeout);
}

// RFC 4954 §4.5.3.1: AUTH may carry a response of 12,288 octets.
std::size_t Session::line_limit() const {
  const auto& limits = talk_.config->limits;
  return handler_.has_logins() && !talk_.authenticated ? std::max(limits.auth_line, limits.command_line) : limits.command_line;
}

Reply Session::reply_to_bad_line() const {
  switch (talk_.connection.line_fault()) {
    case net::LineFault::too_long: return reply(status::line_too_long);
    case net::LineFault::nul: return reply(status::bad_syntax);
    default: return reply(status::bare_line_feed);
  }
}

async::Task<Reply> Session::execute(std::string_view line) {
  if (is_foreign(line)) co_return closing(status::protocol_abuse);
  const auto [verb, arguments] = split_command(line);
  const auto* const command = find_command(verb);
  if (command == nullptr) co_return reply(status::bad_command);
  if (auto refused = check_state(*command, talk_)) co_return std::move(*refused);
  if ((command->needs & is_junk) != 0) ++talk_.tally.junk;
  Context context{talk_, handler_, *this};
  if (command->run != nullptr) co_return command->run(context, arguments);
  co_return co_await command->run_async(context, arguments);
}

Refusal Session::over_budget() const {
  const auto& limits = talk_.config->limits;
  const auto& tally = talk_.tally;
  const bool over =
      tally.errors >= limits.errors || tally.junk > limits.junk_commands || tally.unknown_recipients >= limits.unknown_recipients;
  if (!over) return std::nullopt;
  return closing(status::too_many_errors);
}

/// Sends the reply and does what comes with it; false when the session is over.
async::Task<bool> Session::conclude(Reply answer) {
  if (answer.is_permanent()) {
    ++talk_.tally.errors;
    if (talk_.parts.trace != nullptr) talk_.last_refusal = fmt::format("{} {}", answer.code, answer.text);
  }
  if (!answer.is_success() && talk_.parts.log.enabled(LogLevel::debug)) {
    talk_.parts.log.debug(talk_.options.service, "refused command",
                          {{"ip", talk_.ip()}, {"helo", talk_.helo}, {"reply", fmt::format("{} {}", answer.code, answer.text)}});
  }
  co_await tarpit();
  send(answer);
  switch (answer.then) {
    case Then::close: co_return false;
    case Then::receive_data: co_return co_await receive_data();
    case Then::start_tls: co_return co_await start_tls();
    case Then::go_on: break;
  }
  if (const auto over = over_budget()) {
    talk_.parts.log.info(talk_.options.service, "too many errors", {{"ip", talk_.ip()}, {"helo", talk_.helo}});
    send(*over);
    co_return false;
  }
  co_return true;
}

/// Guessing recipients becomes slow before it becomes impossible.
async::Task<> Session::tarpit() {
  const auto unknown = talk_.tally.unknown_recipients;
  if (unknown <= tarpitted_) co_return;
  tarpitted_ = unknown;
  if (unknown <= tarpit_from) co_return;
  const auto step = talk_.options.tarpit_step.value_or(talk_.config->gate->tarpit);
  co_await async::sleep(step * std::min(unknown - tarpit_from, tarpit_steps_max));
}

/// After 354.
async::Task<bool> Session::receive_data() {
  const auto flushed = co_await talk_.connection.flush();
  if (!flushed) co_return false;
  DotReader dots;
  talk_.connection.begin_transfer(transfer_limits(talk_.config->limits));
  const auto taken = co_await read_message(dots, *talk_.transaction->intake);
  talk_.connection.end_transfer();
  if (!taken) co_return co_await end_by(taken.error());
  Context context{talk_, handler_, *this};
  auto answer = co_await finish_message(context);
  co_return co_await conclude(std::move(answer));
}

async::Task<Result<>> Session::read_message(DotReader& dots, Intake& intake) {
  auto& connection = talk_.connection;
  const DotReader::Sink sink = [&intake](std::string_view text) { intake.write(text); };
  for (auto turn = text_turn; !dots.done();) {
    if (intake.received() >= turn) {
      turn += text_turn;
      co_await async::yield();
    }
    if (connection.buffered().empty()) {
      const auto filled = co_await connection.fill();
      if (!filled) co_return std::unexpected(filled.error());
    }
    connection.consume(dots.feed(connection.buffered().substr(0, text_piece), sink));
  }
  co_return Result<>{};
}

// RFC 3207 §4.2: what was said before is forgotten (security.md D10).
async::Task<bool> Session::start_tls() {
  const auto flushed = co_await talk_.connection.flush();
  if (!flushed) co_return false;
  const auto done = co_await talk_.connection.start_tls(*talk_.options.tls);
  if (!done) {
    talk_.parts.log.info(talk_.options.service, "tls failed", {{"ip", talk_.ip()}, {"why", done.error().text}});
    co_return false;
  }
  talk_.meters.count_tls(talk_.connection.tls()->version);
  talk_.helo.clear();
  talk_.esmtp = false;
  talk_.transaction.reset();
  handler_.forget();
  co_return true;
}

/// The connection gave an error: says why when somebody may still listen (security.md D20). Always false.
async::Task<bool> Session::end_by(Error error) {
  if (error.kind == ErrorKind::unavailable) {
    send(reply(handler_.login_ended() ? status::login_ended : status::shutting_down));
  }
  if (error.kind == ErrorKind::timeout) {
    talk_.connection.set_deadline(std::nullopt);
    send(reply(status::timed_out));
  }
  talk_.parts.log.debug(talk_.options.service, "ended", {{"ip", talk_.ip()}, {"why", error.text}});
  co_return false;
}

// RFC 4954 §4: "334 " base64 CRLF, then one line of the client
async::Task<Result<std::string>> Session::ask(std::string base64) {
  Reply challenge = reply(status::auth_continue, std::move(base64));
  send(challenge);
  const auto flushed = co_await talk_.connection.flush();
  if (!flushed) co_return std::unexpected(flushed.error());
  auto line = co_await talk_.connection.read_line(talk_.config->limits.auth_line);
  if (!line) co_return std::unexpected(line.error());
  co_return std::string(*line);
}

}  // namespace postern::smtp
