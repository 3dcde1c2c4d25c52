// SPDX-License-Identifier: Apache-2.0
// Start the questions that the rules need, wait, judge.
#include "policy/gate.h"

#include <algorithm>

#include "async/executor.h"
#include "config/gate.h"
#include "policy/checks.h"

namespace postern::policy {
namespace {

constexpr std::chrono::seconds stop_limit{2};

/// Whether any recipient's settings have the rule: what it needs to know is gathered once for a connection.
bool is_asked(const config::Gate& gate, RuleName rule) {
  if (gate.rules.of(rule).setting != config::Setting::off) return true;
  return std::ranges::any_of(gate.rules_for, [rule](const auto& entry) {
    return std::ranges::any_of(
        entry.rules, [rule](const auto& one) { return one.rule == rule && one.choice.setting != config::Setting::off; });
  });
}

/// The keys under which this recipient is counted; empty: not at all.
std::array<std::string, rate_sorts> rate_keys(const Gate::Question& question) {
  std::string domain;
  if (question.sender && question.sender->domain() != nullptr) domain = question.sender->domain()->ascii();
  return {question.ip.host_key().to_string(), question.ip.network_key().to_string(), std::move(domain),
          question.recipient.lookup_key()};
}

std::array<std::uint32_t, rate_sorts> rate_limits(const config::Gate& gate) {
  return {gate.rate_address, gate.rate_network, gate.rate_sender_domain, gate.rate_recipient};
}

}  // namespace

Gate::Gate(Parts parts)
    : parts_(parts), questions_(parts.log, "gate"), watch_({parts.resolver, parts.config, parts.clock, parts.log, questions_}) {}

void Gate::stop() { questions_.stop_and_join(std::chrono::seconds(0), stop_limit); }

struct Gate::Found {
  std::shared_ptr<ConnectEvidence> connect;
  std::shared_ptr<Answer> greeting;
  std::shared_ptr<MailEvidence> mail;
};

void Gate::look_at_client(Questions& questions, const Found& found, const config::Gate& gate) {
  auto& evidence = found.connect;
  if (is_asked(gate, RuleName::reverse_name)) {
    evidence->reverse = Answer::unsure;
    questions.ask(look_up_reverse(parts_.resolver, evidence));
  }
  for (const auto& [rule, lists] : {std::pair(RuleName::dnsbl, &gate.dnsbl), std::pair(RuleName::dnswl, &gate.dnswl)}) {
    if (!is_asked(gate, rule)) continue;
    for (const auto& list : *lists) questions.ask(look_up_list(parts_.resolver, list, evidence));
  }
}

void Gate::look_at_greeting(Questions& questions, const Question& question, const Found& found, const config::Gate& gate) {
  const auto domain = mail::Domain::parse(question.helo);
  if (!domain || !domain->ascii().contains('.') || !is_asked(gate, RuleName::helo_resolves)) return;
  *found.greeting = Answer::unsure;
  questions.ask(look_up_name(parts_.resolver, domain->ascii(), found.greeting));
}

void Gate::look_at_sender(Questions& questions, const Question& question, const Found& found, const config::Gate& gate) {
  const auto& sender = question.sender;
  const bool wanted = is_asked(gate, RuleName::sender_domain) || is_asked(gate, RuleName::sender_null_mx);
  if (!wanted || !sender || sender->domain() == nullptr) return;
  found.mail->receives = Answer::unsure;
  questions.ask(look_up_sender(parts_.resolver, sender->domain()->ascii(), found.mail));
}

/// All that is not known yet is asked at once, so that a silent name server is waited for once and not for each stage.
async::Task<> Gate::look(Visit& visit, Question question, const config::Gate& gate) {
  const Found found{std::make_shared<ConnectEvidence>(), std::make_shared<Answer>(Answer::unasked),
                    std::make_shared<MailEvidence>()};
  found.connect->ip = question.ip;
  found.mail->ip = question.ip;
  const bool new_client = !visit.connect;
  const bool new_greeting = !visit.helo_resolves || visit.helo_name != question.helo;
  const bool new_sender = !visit.mail || visit.sender != question.sender;
  const auto executor = co_await async::this_executor();
  const auto began = parts_.clock.steady();
  Questions questions(questions_, executor);
  if (new_client) look_at_client(questions, found, gate);
  if (new_greeting) look_at_greeting(questions, question, found, gate);
  if (new_sender) look_at_sender(questions, question, found, gate);
  const auto left = std::max(std::chrono::milliseconds(0), gate.lookup_timeout - visit.waited);
  if (!co_await questions.wait(watch_.patience(left, executor))) watch_.unanswered(executor);
  visit.waited += std::chrono::duration_cast<std::chrono::milliseconds>(parts_.clock.steady() - began);
  // Copies: what is still open goes on, and must not change what was judged.
  if (new_client) visit.connect = *found.connect;
  if (new_greeting) {
    visit.helo_resolves = *found.greeting;
    visit.helo_name = question.helo;
  }
  if (new_sender) {
    visit.mail = *found.mail;
    visit.sender = question.sender;
  }
}

TimedResolver Gate::resolver_for(const Visit& visit) {
  const auto left = parts_.config.get()->gate->lookup_timeout - visit.waited;
  return {{parts_.resolver, questions_, watch_, parts_.clock}, parts_.clock.steady() + left};
}

RcptEvidence Gate::look_at_recipient(const Question& question, const config::Gate& gate) const {
  const auto now = parts_.clock.unix_now();
  RcptEvidence evidence;
  evidence.ip = question.ip;
  evidence.sender = &question.sender;
  evidence.recipient = &question.recipient;
  evidence.own = parts_.own_list.find({question.ip, question.sender, question.recipient}, now);
  evidence.limits = rate_limits(gate);
  const auto keys = rate_keys(question);
  for (std::size_t i = 0; i < rate_sorts; ++i) {
    const auto sort = static_cast<RateOf>(i);
    if (evidence.limits[i] != 0 && !keys[i].empty()) evidence.counts[i] = rates_.count(sort, keys[i], now);
  }
  return evidence;
}

void Gate::count(const Question& question) {
  const auto limits = rate_limits(*parts_.config.get()->gate);
  const auto now = parts_.clock.unix_now();
  const auto keys = rate_keys(question);
  for (std::size_t i = 0; i < rate_sorts; ++i) {
    if (limits[i] != 0 && !keys[i].empty()) rates_.add(static_cast<RateOf>(i), keys[i], now);
  }
}

void Gate::ask_greylist(const Question& question, Purpose purpose, const Settings& settings, Verdict& verdict) {
  const auto config = parts_.config.get();
  const auto& gate = *config->gate;
  if (settings.allowed() || !verdict.accepted() || settings.of(RuleName::greylist).setting == config::Setting::off) return;
  if (verdict.points < gate.greylist_from) return;
  const GreyTriple triple{question.ip, question.sender, question.recipient};
  const GreyLimits limits{gate.greylist_delay.count(), gate.greylist_window.count(), gate.greylist_keep.count(),
                          gate.greylist_network};
  const auto now = parts_.clock.unix_now();
  const auto state =
      purpose == Purpose::decide ? parts_.greylist.see(triple, limits, now) : parts_.greylist.look(triple, limits, now);
  RcptEvidence evidence;
  evidence.grey = state == Greylist::State::wait;
  verdict.add(judge_grey(evidence, settings));
}

async::Task<Answer> Gate::knows(RelayRoute route, const mail::Address& recipient) {
  const auto& relay = route.relay();
  switch (relay.recipients) {
    case config::Relay::Recipients::any: co_return Answer::yes;
    case config::Relay::Recipients::listed:
      co_return std::ranges::binary_search(relay.known, recipient.lookup_key()) ? Answer::yes : Answer::no;
    case config::Relay::Recipients::callout: break;
  }
  if (parts_.callout == nullptr) co_return Answer::unsure;
  co_return co_await parts_.callout->ask(relay, recipient);
}

async::Task<Verdict> Gate::judge_recipient(Visit& visit, Question question, Purpose purpose) {
  const auto config = parts_.config.get();
  const auto& gate = *config->gate;
  Settings settings(gate, question.rules);
  co_await look(visit, question, gate);
  const auto recipient = look_at_recipient(question, gate);
  if (recipient.own && recipient.own->kind == OwnEntry::Kind::allow) settings.allow();
  HeloEvidence helo;
  helo.ip = question.ip;
  helo.own_ip = question.own_ip;
  helo.name = question.helo;
  helo.own_hostname = config->server.hostname;
  helo.resolves = *visit.helo_resolves;
  auto verdict = judge(*visit.connect, settings);
  verdict.add(judge(helo, settings));
  verdict.add(judge(*visit.mail, settings));
  verdict.add(judge(recipient, settings));
  if (!settings.allowed()) weigh(verdict, gate);
  verdict.allowed = settings.allowed();
  ask_greylist(question, purpose, settings, verdict);
  if (verdict.accepted() && purpose == Purpose::decide) count(question);
  co_return verdict;
}

}  // namespace postern::policy
