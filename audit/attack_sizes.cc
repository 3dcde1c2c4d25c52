// SPDX-License-Identifier: Apache-2.0
// Too much of everything. The server may refuse or hang up; it must not take it, and must live on.
#include "audit/attacks.h"

namespace postern::audit {
namespace {

constexpr std::size_t long_line = 200'000;
constexpr std::size_t long_name = 5'000;
constexpr int many = 1'500;

/// A command that must be refused.
struct Command {
  const char* name;
  std::vector<std::string> before;
  std::string text;
};

std::vector<Command> commands(const Attack& attack) {
  const auto us = attack.postmaster();
  const auto domain = attack.domain();
  const std::vector<std::string> mail{"MAIL FROM:<>"};
  const std::vector<std::string> rcpt{"MAIL FROM:<>", "RCPT TO:<" + us + ">"};
  std::string labels;
  for (int i = 0; i < many; ++i) labels += "a.";
  return {
      {"a command line of 200,000 octets", {}, "NOOP " + std::string(long_line, 'x')},
      {"a greeting of 200,000 octets", {}, "EHLO " + std::string(long_line, 'x')},
      {"a local part of 5,000 octets", mail, "RCPT TO:<" + std::string(long_name, 'x') + "@" + domain + ">"},
      {"a domain of 1,500 labels", mail, "RCPT TO:<x@" + labels + domain + ">"},
      {"a sender of 5,000 octets", {}, "MAIL FROM:<x@" + std::string(long_name, 'x') + ">"},
      {"SIZE beyond all limits", {}, "MAIL FROM:<> SIZE=99999999999"},
      {"SIZE of more digits than RFC 1870 has", {}, "MAIL FROM:<> SIZE=" + std::string(30, '9')},
      {"SIZE below zero", {}, "MAIL FROM:<> SIZE=-1"},
      {"an unknown parameter of MAIL", {}, "MAIL FROM:<> AUDIT=" + std::string(300, 'x')},
      {"the same parameter twice", {}, "MAIL FROM:<> SIZE=1 SIZE=2"},
      {"BDAT beyond all limits", rcpt, "BDAT 99999999999999999999 LAST"},
      {"BDAT below zero", rcpt, "BDAT -1 LAST"},
      {"ORCPT of 5,000 octets", mail, "RCPT TO:<" + us + "> ORCPT=rfc822;" + std::string(long_name, 'x')},
      {"a NUL in a command", {}, std::string("MAIL FROM:<>\0", 13)},
      {"a bare LF in a command", {}, "NOOP\nVRFY postmaster"},
  };
}

async::Task<> try_command(Attack& attack, Command command) {
  auto line = co_await greeted(attack, *attack.target.smtp);
  for (const auto& one : command.before) co_await line.say(one);
  const auto reply = co_await line.say(command.text);
  attack.report.judge(!is_positive(reply), {"sizes", command.name, {}, shown(reply), "the limit must be held; update"});
}

/// A text that must not become a message.
struct Text {
  const char* name;
  std::string octets;
};

std::vector<Text> texts(const Attack& attack) {
  const auto head = "From: <probe@audit.invalid>\r\nTo: <" + attack.postmaster() + ">\r\nSubject: Postern audit, sizes\r\n";
  std::string hops;
  for (int i = 0; i < many; ++i) hops += "Received: from a.invalid by b.invalid; Thu, 1 Jan 2026 00:00:00 +0000\r\n";
  std::string fields;
  for (int i = 0; i < many * 20; ++i) fields += "X-A: " + std::string(60, 'x') + "\r\n";
  return {
      {"a line of 200,000 octets in a message", head + "\r\n" + std::string(long_line, 'x') + "\r\n"},
      {"1,500 Received fields", hops + head + "\r\nx\r\n"},
      {"a header of 2 MB", fields + head + "\r\nx\r\n"},
      {"a NUL in a message", head + std::string("\r\nx\0y\r\n", 7)},
      {"a bare CR in a message", head + "\r\nx\ry\r\n"},
  };
}

async::Task<> try_text(Attack& attack, Text text) {
  auto line = co_await greeted(attack, *attack.target.smtp);
  co_await line.say("MAIL FROM:<>");
  co_await line.say("RCPT TO:<" + attack.postmaster() + ">");
  const auto ready = co_await line.say("DATA");
  if (!ready.starts_with("354")) {
    attack.report.skip("sizes", text.name, "no message may be sent: " + shown(ready));
    co_return;
  }
  const auto reply = co_await line.say(text.octets + ".");
  attack.report.judge(!is_positive(reply),
                      {"sizes", text.name, {}, shown(reply), "the limit must be held: [limits] and [rules] hops"});
}

/// Refusals end somewhere: the connection does not live for ever.
async::Task<> try_errors(Attack& attack) {
  constexpr int errors = 200;
  auto line = co_await greeted(attack, *attack.target.smtp);
  std::string all;
  for (int i = 0; i < errors; ++i) all += "AUDIT\r\n";
  co_await line.send(all);
  int answers = 0;
  for (; answers < errors; ++answers) {
    if ((co_await line.reply()).empty()) break;
  }
  attack.report.judge(answers < errors,
                      {"sizes", "200 unknown commands", {}, std::to_string(answers) + " answers", "set limits.errors"});
}

}  // namespace

async::Task<> attack_sizes(Attack& attack) {
  if (!attack.target.smtp) {
    attack.report.skip("sizes", "port 25", "no such listener");
    co_return;
  }
  for (auto& command : commands(attack)) co_await try_command(attack, std::move(command));
  for (auto& text : texts(attack)) co_await try_text(attack, std::move(text));
  co_await try_errors(attack);
}

}  // namespace postern::audit
