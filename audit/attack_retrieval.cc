// SPDX-License-Identifier: Apache-2.0
// IMAP and POP3 before the login: nothing of a mailbox, no large literal, no end of tries.
#include "audit/attacks.h"

namespace postern::audit {
namespace {

constexpr const char* remedy = "nothing but CAPABILITY, NOOP, ID, LOGIN and AUTHENTICATE may work before the login";

/// The answer with this tag; "BAD" when the server hangs up.
async::Task<std::string> ask_imap(Line& line, std::string command) {
  if (!co_await line.send("a " + command + "\r\n")) co_return std::string("closed");
  for (;;) {
    auto text = co_await line.text_line();
    if (text.empty()) co_return std::string("closed");
    if (text.starts_with("a ") || text.starts_with('+')) co_return text;
  }
}

/// A connection with TLS, past the greeting. Nothing when the port does not answer; the check is skipped then.
async::Task<std::optional<Line>> enter(Attack& attack, const char* name, const net::Endpoint& port) {
  auto line = co_await Line::open(port, Wrap::tls, attack.tls);
  if (!line.is_open()) {
    attack.report.skip("retrieval", name, "the port does not answer");
    co_return std::nullopt;
  }
  co_await line.text_line();
  co_return std::optional(std::move(line));
}

async::Task<> try_imap(Attack& attack, const char* name, std::string command) {
  auto line = co_await enter(attack, name, *attack.target.imaps);
  if (!line) co_return;
  const auto answer = co_await ask_imap(*line, std::move(command));
  attack.report.judge(!answer.starts_with("a OK") && !answer.starts_with('+'), {"retrieval", name, {}, shown(answer), remedy});
}

async::Task<> try_pop(Attack& attack, const char* name, std::string command) {
  auto line = co_await enter(attack, name, *attack.target.pop3s);
  if (!line) co_return;
  co_await line->send(command + "\r\n");
  const auto answer = co_await line->text_line();
  attack.report.judge(!answer.starts_with("+OK"), {"retrieval", name, {}, shown(answer), "the command must wait for a login"});
}

/// The ports of old, without TLS, are shut.
async::Task<> try_shut(Attack& attack, const char* name, const net::Endpoint& like, std::uint16_t port) {
  auto line = co_await Line::open({like.address, port}, Wrap::none, attack.tls);
  const auto greeting = line.is_open() ? co_await line.text_line(silence) : std::string();
  attack.report.judge(greeting.empty(), {"retrieval",
                                         name,
                                         {},
                                         greeting.empty() ? "shut" : shown(greeting),
                                         "another program listens there and may take passwords without TLS: stop it"});
}

}  // namespace

async::Task<> attack_retrieval(Attack& attack) {
  const auto& target = attack.target;
  if (target.imaps) {
    co_await try_imap(attack, "IMAP SELECT before login", "SELECT INBOX");
    co_await try_imap(attack, "IMAP LIST before login", "LIST \"\" *");
    co_await try_imap(attack, "IMAP APPEND before login", "APPEND INBOX {1000000000}");
    co_await try_imap(attack, "IMAP literal of 1 GB before login", "LOGIN {1000000000}");
    co_await try_imap(attack, "IMAP line of 200,000 octets", "NOOP " + std::string(200'000, 'x'));
    constexpr std::uint16_t imap_port = 143;
    co_await try_shut(attack, "port 143", *target.imaps, imap_port);
  }
  if (target.pop3s) {
    co_await try_pop(attack, "POP3 STAT before login", "STAT");
    co_await try_pop(attack, "POP3 RETR before login", "RETR 1");
    co_await try_pop(attack, "POP3 line of 200,000 octets", "USER " + std::string(200'000, 'x'));
    constexpr std::uint16_t pop_port = 110;
    co_await try_shut(attack, "port 110", *target.pop3s, pop_port);
  }
}

}  // namespace postern::audit
