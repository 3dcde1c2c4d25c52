// SPDX-License-Identifier: Apache-2.0
// Commands in the wrong order or of other protocols, and what an outsider can read about the program.
#include "audit/attacks.h"
#include "base/ascii.h"

namespace postern::audit {
namespace {

struct Order {
  const char* name;
  std::vector<std::string> before;
  std::string command;
};

std::vector<Order> orders(const Attack& attack) {
  const auto rcpt = "RCPT TO:<" + attack.postmaster() + ">";
  return {
      {"RCPT before MAIL", {"EHLO audit.invalid"}, rcpt},
      {"DATA before MAIL", {"EHLO audit.invalid"}, "DATA"},
      {"DATA without recipient", {"EHLO audit.invalid", "MAIL FROM:<>"}, "DATA"},
      {"BDAT without recipient", {"EHLO audit.invalid", "MAIL FROM:<>"}, "BDAT 0 LAST"},
      {"MAIL inside of a transaction", {"EHLO audit.invalid", "MAIL FROM:<>"}, "MAIL FROM:<>"},
      {"RCPT after RSET", {"EHLO audit.invalid", "MAIL FROM:<>", rcpt, "RSET"}, rcpt},
      {"DATA after RSET", {"EHLO audit.invalid", "MAIL FROM:<>", rcpt, "RSET"}, "DATA"},
      {"RCPT after a second greeting", {"EHLO audit.invalid", "MAIL FROM:<>", "EHLO audit.invalid"}, rcpt},
      {"TURN", {"EHLO audit.invalid"}, "TURN"},
      {"ETRN", {"EHLO audit.invalid"}, "ETRN " + attack.domain()},
      {"VERB", {"EHLO audit.invalid"}, "VERB"},
      {"DEBUG", {"EHLO audit.invalid"}, "DEBUG"},
      {"WIZ", {"EHLO audit.invalid"}, "WIZ"},
      {"XCLIENT from anybody", {"EHLO audit.invalid"}, "XCLIENT ADDR=127.0.0.1 LOGIN=postmaster"},
      {"XFORWARD from anybody", {"EHLO audit.invalid"}, "XFORWARD ADDR=127.0.0.1"},
      {"PROXY from anybody", {}, "PROXY TCP4 127.0.0.1 127.0.0.1 1 25"},
  };
}

async::Task<> try_order(Attack& attack, Order order) {
  auto line = co_await Line::open(*attack.target.smtp, Wrap::none, attack.tls);
  co_await line.reply();
  for (const auto& one : order.before) co_await line.say(one);
  const auto reply = co_await line.say(order.command);
  attack.report.judge(!is_positive(reply), {"order", order.name, {}, shown(reply), "the command must be refused in this state"});
}

/// Some servers refuse a greeting that did not wait for their answers, and would take one that did.
async::Task<bool> greets_after(Attack& attack, const std::string& request) {
  constexpr int most = 10;
  auto line = co_await Line::open(*attack.target.smtp, Wrap::none, attack.tls);
  co_await line.reply();
  co_await line.send(request);
  for (int i = 0; i < most && !(co_await line.reply(silence)).empty();) ++i;
  co_return (co_await line.say("EHLO audit.invalid")).starts_with("250");
}

/// A browser that is made to speak to port 25 (security.md D13).
async::Task<> try_http(Attack& attack, std::string name, std::string request) {
  auto line = co_await Line::open(*attack.target.smtp, Wrap::none, attack.tls);
  co_await line.reply();
  co_await line.send(request + "EHLO audit.invalid\r\nMAIL FROM:<>\r\n");
  bool went_on = false;
  std::string seen;
  for (int i = 0; i < 10; ++i) {
    const auto reply = co_await line.reply(silence);
    if (reply.empty()) break;
    went_on = went_on || reply.starts_with("250");
    seen = reply;
  }
  went_on = went_on || co_await greets_after(attack, request);
  attack.report.judge(!went_on, {"order", name, {}, shown(seen), "the connection must end at the first line of HTTP"});
}

bool names_version(std::string_view text) {
  const auto lower = ascii::lower(text);
  for (const std::string_view name : {"postern", "postfix", "exim", "sendmail", "exchange", "openssl", "debian"}) {
    if (lower.find(name) != std::string::npos) return true;
  }
  return false;
}

/// The domain's and the host's own name may have such a word in it.
std::string without_own_names(std::string text, const Target& target) {
  auto names = target.domains;
  names.push_back(target.hostname);
  for (const auto& name : names) {
    for (auto at = text.find(name); at != std::string::npos && !name.empty(); at = text.find(name)) text.erase(at, name.size());
  }
  return text;
}

async::Task<> try_banner(Attack& attack, std::string name, std::string text) {
  attack.report.judge(!text.empty() && !names_version(without_own_names(text, attack.target)),
                      {"banners", std::move(name), {}, shown(text), "set smtp.banner to words that name no program"});
  co_return;
}

}  // namespace

async::Task<> attack_order(Attack& attack) {
  if (!attack.target.smtp) {
    attack.report.skip("order", "port 25", "no such listener");
    co_return;
  }
  for (auto& order : orders(attack)) co_await try_order(attack, std::move(order));
  co_await try_http(attack, "HTTP GET", "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  co_await try_http(attack, "HTTP POST with commands inside", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n");
}

async::Task<> attack_banners(Attack& attack) {
  if (attack.target.smtp) {
    auto line = co_await Line::open(*attack.target.smtp, Wrap::none, attack.tls);
    co_await try_banner(attack, "smtp: greeting", co_await line.reply());
    co_await try_banner(attack, "smtp: EHLO", co_await line.say("EHLO audit.invalid"));
    co_await try_banner(attack, "smtp: HELP", co_await line.say("HELP"));
    co_await try_banner(attack, "smtp: refusal", co_await line.say("AUDIT"));
  }
  for (const auto& [name, door] : {std::pair("imaps", attack.target.imaps), std::pair("pop3s", attack.target.pop3s)}) {
    if (!door) continue;
    auto line = co_await Line::open(*door, Wrap::tls, attack.tls);
    co_await try_banner(attack, std::string(name) + ": greeting", co_await line.text_line());
  }
}

}  // namespace postern::audit
