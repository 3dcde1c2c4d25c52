// SPDX-License-Identifier: Apache-2.0
// Two coroutines at the two ends of a socket pair: the session with a handler that remembers, and a client with a script.
#include "smtp/rehearsal.h"

#include <sys/socket.h>

#include <array>

#include "async/executor.h"
#include "async/together.h"
#include "base/ascii.h"
#include "net/connection.h"
#include "net/stream.h"
#include "smtp/inbound.h"
#include "smtp/session.h"

namespace postern::smtp {
namespace {

namespace status = mail::status;

/// Longest reply line that is read.
constexpr std::size_t reply_limit = 64 * 1024;
constexpr std::uint16_t smtp_port = 25;
constexpr std::uint16_t client_port = 40000;  ///< of the supposed client; nothing looks at it

/// Judges as port 25 does, notes what it finds, and stops before anything is stored.
class Noting final : public Inbound {
 public:
  Noting(policy::Gate& gate, Rehearsed& out) : Inbound(&gate, policy::Gate::Purpose::explain), out_(out) {}

  std::expected<Route, Reply> route(const Conversation& talk, const mail::Recipient& recipient) override {
    auto found = Inbound::route(talk, recipient);
    if (!found) return found;
    for (const auto& one : found->local) {
      const auto account = talk.parts.directory.account(one.account);
      if (account) out_.destinations.push_back("mailbox of " + account->login);
    }
    for (const auto& one : found->remote) {
      const bool forwarded = !one.forwarded_for().empty();
      out_.destinations.push_back(one.recipient().address.to_string() + (forwarded ? ", forwarded" : ", relayed"));
    }
    return found;
  }
  async::Task<Refusal> judge_recipient(Conversation& talk, const mail::Recipient& recipient) override {
    auto refused = co_await Inbound::judge_recipient(talk, recipient);
    auto& transaction = *talk.transaction;
    out_.reasons = refused ? transaction.refusing.reasons : transaction.reasons;
    out_.points = refused ? transaction.refusing.points : transaction.points;
    co_return refused;
  }
  Refusal check_header(Conversation& talk, std::string& header) override {
    auto refused = Inbound::check_header(talk, header);
    note(talk);
    return refused;
  }
  async::Task<Refusal> judge_message(Conversation& talk, queue::Arrival& arrival) override {
    auto refused = co_await Inbound::judge_message(talk, arrival);
    note(talk);
    co_return refused;
  }
  /// The last word before the door: the answer that the client would get from it.
  Refusal sign(const Conversation& talk, queue::Arrival& arrival) override {
    if (auto refused = Inbound::sign(talk, arrival)) return refused;
    out_.added = arrival.trace;
    return reply(status::accepted, "Would be accepted");
  }

 private:
  void note(const Conversation& talk) {
    out_.reasons = talk.transaction->reasons;
    out_.points = talk.transaction->points;
  }
  Rehearsed& out_;
};

/// The session's end of the pair.
struct Stage {
  Parts parts;
  SessionOptions options;
  Metrics metrics;
  Meters meters{metrics, "explain"};
};

async::Task<> serve(std::unique_ptr<net::Connection> connection, const Stage& stage, Handler& handler) {
  Session session(*connection, {stage.parts, stage.options, stage.meters}, handler);
  co_await session.run();
}

/// The last line of a reply. Error closed when there is none.
async::Task<Result<std::string>> read_reply(net::Connection& connection) {
  for (;;) {
    const auto line = co_await connection.read_line(reply_limit);
    if (!line) co_return std::unexpected(line.error());
    constexpr std::size_t code_size = 3;
    if (line->size() <= code_size || (*line)[code_size] != '-') co_return std::string(*line);
  }
}

bool is_refusal(std::string_view reply) { return reply.starts_with('4') || reply.starts_with('5'); }

/// One step of the script; false when it is the last one.
async::Task<bool> say(net::Connection& connection, std::string command, std::string_view shown, Rehearsed& out) {
  connection.append(command);
  const auto flushed = co_await connection.flush();
  if (!flushed) co_return false;
  auto answer = co_await read_reply(connection);
  if (!answer) co_return false;
  out.steps.push_back({std::string(shown), std::move(*answer)});
  co_return !is_refusal(out.steps.back().reply);
}

// RFC 5321 §4.5.2
std::string with_dots(std::string_view message) {
  std::string out;
  bool line_begins = true;
  for (const char c : message) {
    if (line_begins && c == '.') out += '.';
    out += c;
    line_begins = c == '\n';
  }
  if (!line_begins) out += "\r\n";
  return out + ".\r\n";
}

std::vector<std::string> commands_for(const SupposedMail& mail) {
  const auto sender = mail::to_string(mail.sender);
  const auto recipient = mail.recipient.to_string();
  auto from = "MAIL FROM:" + sender;
  if (!mail.message.empty()) from += " BODY=8BITMIME SIZE=" + std::to_string(mail.message.size());
  if (!ascii::is_ascii(sender) || !ascii::is_ascii(recipient)) from += " SMTPUTF8";
  return {"EHLO " + mail.helo, std::move(from), "RCPT TO:<" + recipient + '>'};
}

async::Task<> play(std::unique_ptr<net::Connection> connection, const SupposedMail& mail, Rehearsed& out) {
  auto greeting = co_await read_reply(*connection);
  if (!greeting) co_return;
  out.steps.push_back({"", std::move(*greeting)});
  if (is_refusal(out.steps.back().reply)) co_return;
  auto commands = commands_for(mail);
  if (!mail.message.empty()) commands.emplace_back("DATA");
  for (const auto& command : commands) {
    if (!co_await say(*connection, command + "\r\n", command, out)) co_return;
  }
  if (!mail.message.empty() && !co_await say(*connection, with_dots(mail.message), "(message)", out)) co_return;
  out.accepted = true;
}

}  // namespace

async::Task<Result<Rehearsed>> rehearse(Parts parts, policy::Gate& gate, SupposedMail mail) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    co_return std::unexpected(errno_error("socket pair", errno));
  }
  const auto executor = co_await async::this_executor();
  net::ConnectionOptions options;
  options.local = {mail.own_ip, smtp_port};
  options.peer = {mail.ip, client_port};
  auto server = std::make_unique<net::Connection>(net::make_socket_stream(executor, UniqueFd(ends[0])), options);
  auto client = std::make_unique<net::Connection>(net::make_socket_stream(executor, UniqueFd(ends[1])), options);

  Log quiet(LogLevel::off, null_sink());
  const Parts quiet_parts{.store = parts.store,
                          .directory = parts.directory,
                          .door = parts.door,
                          .config = parts.config,
                          .clock = parts.clock,
                          .log = quiet,
                          .srs = parts.srs};
  Stage stage{quiet_parts, {}, {}};
  stage.options.service = "explain";
  stage.options.tarpit_step = std::chrono::milliseconds(0);
  Rehearsed out;
  Noting handler(gate, out);
  co_await async::together(async::all(serve(std::move(server), stage, handler), play(std::move(client), mail, out)));
  co_return out;
}

}  // namespace postern::smtp
