// SPDX-License-Identifier: Apache-2.0
// Each stage: start the questions its rules need, wait, judge.
#include "policy/gate.h"

#include <algorithm>

#include "async/executor.h"
#include "config/gate.h"
#include "policy/checks.h"
#include "policy/lookups.h"

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

Gate::Gate(Parts parts) : parts_(parts), questions_(parts.log, "gate") {}

void Gate::stop() { questions_.stop_and_join(std::chrono::seconds(0), stop_limit); }

async::Task<ConnectEvidence> Gate::look_at_client(Question question, const config::Gate& gate) {
  auto evidence = std::make_shared<ConnectEvidence>();
  evidence->ip = question.ip;
  Questions questions(questions_, co_await async::this_executor());
  if (is_asked(gate, RuleName::reverse_name)) {
    evidence->reverse = Answer::unsure;
    questions.ask(look_up_reverse(parts_.resolver, evidence));
  }
  for (const auto& [rule, lists] : {std::pair(RuleName::dnsbl, &gate.dnsbl), std::pair(RuleName::dnswl, &gate.dnswl)}) {
    if (!is_asked(gate, rule)) continue;
    for (const auto& list : *lists) questions.ask(look_up_list(parts_.resolver, list, evidence));
  }
  co_await questions.wait(gate.lookup_timeout);
  co_return *evidence;
}

async::Task<Answer> Gate::look_at_greeting(Question question, const config::Gate& gate) {
  auto resolves = std::make_shared<Answer>(Answer::unasked);
  const auto domain = mail::Domain::parse(question.helo);
  if (!domain || !domain->ascii().contains('.') || !is_asked(gate, RuleName::helo_resolves)) co_return *resolves;
  *resolves = Answer::unsure;
  Questions questions(questions_, co_await async::this_executor());
  questions.ask(look_up_name(parts_.resolver, domain->ascii(), resolves));
  co_await questions.wait(gate.lookup_timeout);
  co_return *resolves;
}

async::Task<MailEvidence> Gate::look_at_sender(Question question, const config::Gate& gate) {
  auto evidence = std::make_shared<MailEvidence>();
  evidence->ip = question.ip;
  const auto& sender = question.sender;
  const bool wanted = is_asked(gate, RuleName::sender_domain) || is_asked(gate, RuleName::sender_null_mx);
  if (!wanted || !sender || sender->domain() == nullptr) co_return *evidence;
  evidence->receives = Answer::unsure;
  Questions questions(questions_, co_await async::this_executor());
  questions.ask(look_up_sender(parts_.resolver, sender->domain()->ascii(), evidence));
  co_await questions.wait(gate.lookup_timeout);
  co_return *evidence;
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
  if (!visit.connect) visit.connect = co_await look_at_client(question, gate);
  if (!visit.helo_resolves || visit.helo_name != question.helo) {
    visit.helo_name = question.helo;
    visit.helo_resolves = co_await look_at_greeting(question, gate);
  }
  if (!visit.mail || visit.sender != question.sender) {
    visit.sender = question.sender;
    visit.mail = co_await look_at_sender(question, gate);
  }
  const auto recipient = look_at_recipient(question, gate);
  Settings settings(gate, question.recipient);
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
