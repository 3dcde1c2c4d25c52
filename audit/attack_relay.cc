// SPDX-License-Identifier: Apache-2.0
// Each disguise as RCPT on port 25, from a stranger's and from the null sender; a few on the doors for logins, without one, and
// on those for listed machines.
#include "audit/attacks.h"
#include "audit/disguises.h"
#include "base/encoding.h"

namespace postern::audit {
namespace {

constexpr const char* relay_remedy =
    "mail for other domains is taken from strangers: look at [[relay]], [trusted] networks and what listens on this port";
/// RCPTs of one connection: below what makes the server slow down.
constexpr std::size_t recipients_each = 2;

/// The name of a disguise in a table: controls, and what is no UTF-8, are shown as dots.
std::string visible(std::string_view text) {
  const bool utf8 = is_utf8(text);
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    out += octet < ' ' || octet == 0x7f || (octet > 0x7f && !utf8) ? '.' : c;
  }
  return out;
}

/// One RCPT; the session must be inside a transaction.
async::Task<> try_disguise(Attack& attack, Line& line, std::string_view sender, const std::string& disguise) {
  const auto reply = co_await line.say("RCPT " + disguise);
  const bool taken = reply.starts_with("25");
  attack.report.judge(!taken, {"relay", std::string(sender) + " RCPT " + visible(disguise), {}, shown(reply), relay_remedy});
}

/// False when the server does not take the sender at all.
async::Task<bool> try_all(Attack& attack, std::string sender, const std::vector<std::string>& disguises) {
  for (std::size_t i = 0; i < disguises.size();) {
    auto line = co_await greeted(attack, *attack.target.smtp);
    const auto mail = co_await line.say("MAIL FROM:" + sender);
    if (!is_positive(mail)) {
      attack.report.skip("relay", sender + " as sender", "the server does not take this sender at all: " + shown(mail));
      co_return false;
    }
    for (std::size_t n = 0; n < recipients_each && i < disguises.size(); ++n, ++i) {
      co_await try_disguise(attack, line, sender, disguises[i]);
    }
    co_await line.say("QUIT");
  }
  co_return true;
}

/// The doors for logins let nobody begin without one.
async::Task<> try_without_login(Attack& attack, std::string name, net::Endpoint door, Wrap wrap) {
  auto line = co_await greeted(attack, door, wrap);
  if (!line.is_open()) {
    attack.report.skip("relay", name + " without login", "the port does not answer");
    co_return;
  }
  const auto mail = co_await line.say("MAIL FROM:<" + attack.postmaster() + ">");
  const auto rcpt = co_await line.say("RCPT TO:<victim@elsewhere.example>");
  attack.report.judge(!rcpt.starts_with("25"), {"relay",
                                                name + " without login",
                                                {},
                                                shown(is_refusal(mail) ? mail : rcpt),
                                                "the port for logins must refuse MAIL before AUTH"});
}

/// The doors for listed machines take nothing from any other, not even for us, and no passwords.
async::Task<> try_unlisted(Attack& attack, std::string name, net::Endpoint door) {
  const std::string recipients[] = {"<victim@elsewhere.example>", "<victim%elsewhere.example@" + attack.domain() + ">",
                                    "<" + attack.postmaster() + ">"};
  for (const auto& to : recipients) {
    auto line = co_await greeted(attack, door);
    if (!line.is_open()) {
      attack.report.judge(true, {"relay", name + " from a machine that is not listed", {}, "turned away at once", {}});
      co_return;
    }
    const auto mail = co_await line.say("MAIL FROM:<" + attack.postmaster() + ">");
    const auto rcpt = co_await line.say("RCPT TO:" + to);
    attack.report.judge(!rcpt.starts_with("25"), {"relay",
                                                  name + " from a machine that is not listed, RCPT TO:" + to,
                                                  {},
                                                  shown(is_refusal(mail) ? mail : rcpt),
                                                  "look at the networks of [trusted] and [device]"});
  }
}

}  // namespace

async::Task<> attack_relay(Attack& attack) {
  const auto& target = attack.target;
  if (!target.smtp) {
    attack.report.skip("relay", "port 25", "no such listener");
    co_return;
  }
  const auto disguises = relay_disguises({attack.domain(), target.hostname, target.smtp->address.to_string()});
  const bool strangers = co_await try_all(attack, "<probe@audit.example>", disguises);
  // Of a sender of ours, and of nobody, the plain ones: what differs is who claims to send. All of them where strangers were sent
  // away before their first recipient, so that the recipients were not tried.
  const std::vector<std::string> few(disguises.begin(), disguises.begin() + 8);
  co_await try_all(attack, "<>", few);
  co_await try_all(attack, "<" + attack.postmaster() + ">", strangers ? few : disguises);
  if (target.submission) co_await try_without_login(attack, "submission", *target.submission, Wrap::none);
  if (target.submissions) co_await try_without_login(attack, "submissions", *target.submissions, Wrap::tls);
  if (target.trusted) co_await try_unlisted(attack, "trusted", *target.trusted);
  if (target.device) co_await try_unlisted(attack, "device", *target.device);
}

}  // namespace postern::audit
