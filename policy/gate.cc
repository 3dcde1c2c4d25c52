// SPDX-License-Identifier: Apache-2.0
// Each stage: start the questions its rules need, wait, judge.
#include "policy/gate.h"

#include "async/executor.h"
#include "config/gate.h"
#include "policy/checks.h"
#include "policy/lookups.h"

namespace postern::policy {
namespace {

constexpr std::chrono::seconds stop_limit{2};

bool is_asked(const Settings& settings, RuleName rule) { return settings.of(rule).setting != config::Setting::off; }

}  // namespace

Gate::Gate(Parts parts) : parts_(parts), questions_(parts.log, "gate") {}

void Gate::stop() { questions_.stop_and_join(std::chrono::seconds(0), stop_limit); }

async::Task<Verdict> Gate::judge_connect(Question question, const config::Config& config) {
  const Settings settings(*config.gate);
  auto evidence = std::make_shared<ConnectEvidence>();
  evidence->ip = question.ip;
  Questions questions(questions_, co_await async::this_executor());
  if (is_asked(settings, RuleName::reverse_name)) {
    evidence->reverse = Answer::unsure;
    questions.ask(look_up_reverse(parts_.resolver, evidence));
  }
  co_await questions.wait(config.gate->lookup_timeout);
  co_return judge(*evidence, settings);
}

async::Task<Verdict> Gate::judge_helo(Question question, const config::Config& config) {
  const Settings settings(*config.gate);
  auto resolves = std::make_shared<Answer>(Answer::unasked);
  Questions questions(questions_, co_await async::this_executor());
  auto domain = mail::Domain::parse(question.helo);
  if (domain && domain->ascii().contains('.') && is_asked(settings, RuleName::helo_resolves)) {
    *resolves = Answer::unsure;
    questions.ask(look_up_name(parts_.resolver, domain->ascii(), resolves));
  }
  co_await questions.wait(config.gate->lookup_timeout);
  HeloEvidence evidence;
  evidence.ip = question.ip;
  evidence.own_ip = question.own_ip;
  evidence.name = question.helo;
  evidence.own_hostname = config.server.hostname;
  evidence.resolves = *resolves;
  co_return judge(evidence, settings);
}

async::Task<Verdict> Gate::judge_mail(Question question, const config::Config& config) {
  const Settings settings(*config.gate);
  auto evidence = std::make_shared<MailEvidence>();
  evidence->ip = question.ip;
  const auto sender = question.sender;
  evidence->sender = &sender;
  Questions questions(questions_, co_await async::this_executor());
  const bool wanted = is_asked(settings, RuleName::sender_domain) || is_asked(settings, RuleName::sender_null_mx);
  if (wanted && sender && sender->domain() != nullptr) {
    evidence->receives = Answer::unsure;
    questions.ask(look_up_sender(parts_.resolver, sender->domain()->ascii(), evidence));
  }
  co_await questions.wait(config.gate->lookup_timeout);
  co_return judge(*evidence, settings);
}

async::Task<Verdict> Gate::judge_recipient(Visit& visit, Question question) {
  const auto config = parts_.config.get();
  if (!visit.connect) visit.connect = co_await judge_connect(question, *config);
  if (!visit.helo || visit.helo_name != question.helo) {
    visit.helo_name = question.helo;
    visit.helo = co_await judge_helo(question, *config);
  }
  if (!visit.mail || visit.sender != question.sender) {
    visit.sender = question.sender;
    visit.mail = co_await judge_mail(question, *config);
  }
  Verdict verdict = *visit.connect;
  verdict.add(*visit.helo);
  verdict.add(*visit.mail);
  weigh(verdict, *config->gate);
  co_return verdict;
}

}  // namespace postern::policy
