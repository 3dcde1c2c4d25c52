// SPDX-License-Identifier: Apache-2.0
// A message with something inside that another server may take for its end, and commands after it. Where they are answered,
// there is a hole. The header has so many Received fields that a sound server takes none of these messages for good.
#include <array>

#include "audit/attacks.h"

namespace postern::audit {
namespace {

using namespace std::string_view_literals;

struct FalseEnd {
  const char* name;
  std::string_view octets;
};
constexpr std::array false_ends{
    FalseEnd{"LF . LF", "\n.\n"sv},
    FalseEnd{"LF . CRLF", "\n.\r\n"sv},
    FalseEnd{"CRLF . LF", "\r\n.\n"sv},
    FalseEnd{"CR . CR", "\r.\r"sv},
    FalseEnd{"CR . CRLF", "\r.\r\n"sv},
    FalseEnd{"CRLF . CR", "\r\n.\r"sv},
    FalseEnd{"CR . LF", "\r.\n"sv},
    FalseEnd{"LF . CR", "\n.\r"sv},
    FalseEnd{"CRLF NUL . CRLF", "\r\n\0.\r\n"sv},
    FalseEnd{"CRLF . NUL CRLF", "\r\n.\0\r\n"sv},
    FalseEnd{"CRLF . CR CRLF", "\r\n.\r\r\n"sv},
    FalseEnd{"LF CR . LF CR", "\n\r.\n\r"sv},
    FalseEnd{"CRLF . SP CRLF", "\r\n. \r\n"sv},
    FalseEnd{"NEL . NEL", "\xC2\x85.\xC2\x85"sv},
    FalseEnd{"VT . VT", "\v.\v"sv},
};
constexpr int many_hops = 150;
constexpr const char* remedy =
    "only CR LF . CR LF may end a message: set gate.mend_line_ends_from to [] and update; a server in front must not mend line "
    "ends";

std::string looping_header(const std::string& to) {
  std::string out = "From: <probe@audit.invalid>\r\nTo: <" + to + ">\r\nSubject: Postern audit, smuggling\r\n";
  for (int i = 0; i < many_hops; ++i) out += "Received: from a.invalid by b.invalid; Thu, 1 Jan 2026 00:00:00 +0000\r\n";
  return out + "\r\n";
}

async::Task<> try_end(Attack& attack, const FalseEnd& end) {
  auto line = co_await greeted(attack, *attack.target.smtp);
  const auto to = attack.postmaster();
  co_await line.say("MAIL FROM:<>");
  co_await line.say("RCPT TO:<" + to + ">");
  const auto ready = co_await line.say("DATA");
  const std::string name = std::string("message ended by ") + end.name;
  if (!ready.starts_with("354")) {
    attack.report.skip("smuggling", name, "no message may be sent: " + shown(ready));
    co_return;
  }
  co_await line.send(looping_header(to) + "first" + std::string(end.octets) +
                     "MAIL FROM:<smuggled@audit.invalid>\r\nNOOP\r\n.\r\n");
  const auto first = co_await line.reply();
  const auto second = co_await line.reply(silence);
  // A sound server hangs up or gives one answer, to the message.
  attack.report.judge(second.empty(), {"smuggling", name, {}, shown(second.empty() ? first : first + " / " + second), remedy});
}

/// BDAT counts octets: what follows is a command, and what is inside never is (RFC 3030 §2).
async::Task<> try_bdat(Attack& attack) {
  auto line = co_await greeted(attack, *attack.target.smtp);
  co_await line.say("MAIL FROM:<>");
  co_await line.say("RCPT TO:<" + attack.postmaster() + ">");
  const auto message = looping_header(attack.postmaster()) + "x\r\n.\r\nMAIL FROM:<smuggled@audit.invalid>\r\n";
  co_await line.send("BDAT " + std::to_string(message.size()) + " LAST\r\n" + message);
  const auto first = co_await line.reply();
  const auto second = co_await line.reply(silence);
  attack.report.judge(second.empty(), {"smuggling",
                                       "dot and command inside of BDAT",
                                       {},
                                       shown(second.empty() ? first : first + " / " + second),
                                       "BDAT must count octets alone"});
}

}  // namespace

async::Task<> attack_smuggling(Attack& attack) {
  if (!attack.target.smtp) {
    attack.report.skip("smuggling", "port 25", "no such listener");
    co_return;
  }
  for (const auto& end : false_ends) co_await try_end(attack, end);
  co_await try_bdat(attack);
}

}  // namespace postern::audit
