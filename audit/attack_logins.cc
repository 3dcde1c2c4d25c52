// SPDX-License-Identifier: Apache-2.0
// Passwords in the open, logins where there are none, and what a failed login or a question tells about accounts.
#include "audit/attacks.h"

#include "base/encoding.h"

namespace postern::audit {
namespace {

constexpr const char* plain_remedy = "passwords must wait for TLS: no AUTH before STARTTLS, none at all on port 25";

std::string plain_login(std::string_view login) {
  using namespace std::string_literals;
  return base64_encode("\0"s + std::string(login) + "\0audit-wrong-password"s);
}

async::Task<> try_plain_auth(Attack& attack, std::string name, net::Endpoint door) {
  auto line = co_await Line::open(door, Wrap::none, attack.tls);
  co_await line.reply();
  const auto offer = co_await line.say("EHLO audit.invalid");
  attack.report.judge(offer.find("AUTH") == std::string::npos,
                      {"logins", name + ": AUTH offered without TLS", {}, shown(offer), plain_remedy});
  const std::vector<std::string> commands{"AUTH PLAIN " + plain_login("audit@audit.invalid"), "AUTH LOGIN"};
  for (const auto& command : commands) {
    const auto reply = co_await line.say(command);
    // 334 and 535 both mean that the password was wanted; 503, 530, 538 and 502 do not.
    const bool wanted = is_positive(reply) || reply.starts_with("535");
    attack.report.judge(!wanted,
                        {"logins", name + ": " + command.substr(0, 10) + " without TLS", {}, shown(reply), plain_remedy});
    if (wanted) co_return;
  }
}

/// The same answer, whether the account exists or not (security.md D34).
async::Task<> try_login_names(Attack& attack) {
  const auto& target = attack.target;
  constexpr const char* name = "AUTH tells who exists";
  if (!target.submissions || target.person.empty()) {
    attack.report.skip("names", name, "no TLS port for logins, or no account is known");
    co_return;
  }
  std::string replies[2];
  const std::string logins[2] = {target.person, "audit-nobody@" + attack.domain()};
  for (int i = 0; i < 2; ++i) {
    auto line = co_await greeted(attack, *target.submissions, Wrap::tls);
    replies[i] = co_await line.say("AUTH PLAIN " + plain_login(logins[i]));
  }
  attack.report.judge(replies[0] == replies[1] && is_refusal(replies[0]),
                      {"names", name, {}, shown(replies[0] + " / " + replies[1]), "both must get the same 535"});
}

async::Task<> try_question(Attack& attack, std::string verb) {
  auto line = co_await greeted(attack, *attack.target.smtp);
  const auto known = co_await line.say(verb + " " + (attack.target.person.empty() ? attack.postmaster() : attack.target.person));
  const auto unknown = co_await line.say(verb + " audit-nobody@" + attack.domain());
  attack.report.judge(known == unknown && !known.starts_with("250"), {"names",
                                                                      verb + " tells who exists",
                                                                      {},
                                                                      shown(known + " / " + unknown),
                                                                      verb + " must answer the same (252, 502) for everybody"});
}

/// Guessing recipients ends: pipelined unknown ones close the connection.
async::Task<> try_guessing(Attack& attack) {
  constexpr int guesses = 60;
  auto line = co_await greeted(attack, *attack.target.smtp);
  co_await line.say("MAIL FROM:<probe@audit.example>");
  std::string all;
  for (int i = 0; i < guesses; ++i) all += "RCPT TO:<audit-nobody-" + std::to_string(i) + "@" + attack.domain() + ">\r\n";
  co_await line.send(all);
  int answers = 0;
  std::string last;
  bool taken = false;
  for (;;) {
    auto reply = co_await line.reply();
    if (reply.empty()) break;
    ++answers;
    taken = taken || reply.starts_with("25");
    last = std::move(reply);
    if (answers >= guesses || last.starts_with("421")) break;
  }
  attack.report.judge(answers < guesses, {"names",
                                          "sixty guessed recipients",
                                          {},
                                          std::to_string(answers) + " answers, last " + shown(last),
                                          "set limits.unknown_recipients to 10"});
  attack.report.judge(!taken,
                      {"names",
                       "unknown recipients are refused at RCPT",
                       {},
                       shown(last),
                       "what is accepted for nobody comes back as a bounce to a stranger: look at catch-alls and [[relay]]"});
}

}  // namespace

async::Task<> attack_logins(Attack& attack) {
  const auto& target = attack.target;
  if (target.smtp) co_await try_plain_auth(attack, "smtp", *target.smtp);
  if (target.submission) co_await try_plain_auth(attack, "submission", *target.submission);
}

async::Task<> attack_names(Attack& attack) {
  if (attack.target.smtp) {
    for (const auto* verb : {"VRFY", "EXPN"}) co_await try_question(attack, verb);
    co_await try_guessing(attack);
  }
  co_await try_login_names(attack);
}

}  // namespace postern::audit
