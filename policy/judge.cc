// SPDX-License-Identifier: Apache-2.0
// The tables of all rules, in the order in which they are asked, and the few lines that ask them. Settings and points are in
// config/rule_table.inc; each check is in policy/checks_*.cc.
#include "policy/judge.h"

#include <fmt/format.h>

#include <array>

#include "policy/checks.h"

namespace postern::policy {
namespace {

namespace status = mail::status;
using Outcome = Reason::Outcome;
using Decision = Verdict::Decision;

constexpr std::array connect_rules{
    Rule<ConnectEvidence>{RuleName::reverse_name, check_reverse_name, refusal::no_reverse_name},
    Rule<ConnectEvidence>{RuleName::dnsbl, check_dnsbl, refusal::listed},
    Rule<ConnectEvidence>{RuleName::dnswl, check_dnswl, refusal::listed},
};

constexpr std::array helo_rules{
    Rule<HeloEvidence>{RuleName::helo_syntax, check_helo_syntax, refusal::bad_greeting},
    Rule<HeloEvidence>{RuleName::helo_own_name, check_helo_own_name, refusal::greeting_is_ours},
    Rule<HeloEvidence>{RuleName::helo_literal, check_helo_literal, refusal::bad_greeting},
    Rule<HeloEvidence>{RuleName::helo_resolves, check_helo_resolves, refusal::greeting_unknown},
};

constexpr std::array mail_rules{
    Rule<MailEvidence>{RuleName::sender_domain, check_sender_domain, refusal::sender_domain_unknown},
    Rule<MailEvidence>{RuleName::sender_null_mx, check_sender_null_mx, refusal::sender_takes_no_mail},
};

constexpr std::array rcpt_rules{
    Rule<RcptEvidence>{RuleName::own_block, check_own_block, refusal::kept_out},
    Rule<RcptEvidence>{RuleName::rate_address, check_rate_address, refusal::too_much_mail},
    Rule<RcptEvidence>{RuleName::rate_network, check_rate_network, refusal::too_much_mail},
    Rule<RcptEvidence>{RuleName::rate_sender_domain, check_rate_sender_domain, refusal::too_much_mail},
    Rule<RcptEvidence>{RuleName::rate_recipient, check_rate_recipient, refusal::too_much_mail},
};

constexpr std::array grey_rules{
    Rule<RcptEvidence>{RuleName::greylist, check_greylist, refusal::put_off},
};

constexpr std::array header_rules{
    Rule<Facts>{RuleName::hops, check_hops, status::too_many_hops, Waiver::never},
    Rule<Facts>{RuleName::loop, check_loop, status::too_many_hops, Waiver::never},
    Rule<Facts>{RuleName::single_from, check_single_from, status::duplicate_from, Waiver::never},
    Rule<Facts>{RuleName::null_sender_recipients, check_null_sender, status::refused_by_policy, Waiver::never},
    Rule<Facts>{RuleName::odd_names, check_odd_names, status::refused_by_policy},
    Rule<Facts>{RuleName::forged_results, check_forged_results, status::refused_by_policy, Waiver::never},
};

constexpr std::array message_rules{
    Rule<MessageEvidence>{RuleName::spf_fail, check_spf_fail, refusal::spf_failed},
    Rule<MessageEvidence>{RuleName::spf_softfail, check_spf_softfail, refusal::spf_failed},
    Rule<MessageEvidence>{RuleName::dkim, check_dkim, refusal::dkim_failed},
    Rule<MessageEvidence>{RuleName::arc, check_arc, refusal::arc_failed},
    Rule<MessageEvidence>{RuleName::dmarc_reject, check_dmarc_reject, refusal::dmarc_failed},
    Rule<MessageEvidence>{RuleName::dmarc_quarantine, check_dmarc_quarantine, refusal::dmarc_failed},
    Rule<MessageEvidence>{RuleName::dmarc_author, check_dmarc_author, refusal::author_unclear},
};

constexpr std::array spoof_rules{
    Rule<SpoofEvidence>{RuleName::spoofed_sender, check_spoofed_sender, refusal::not_from_us},
    Rule<SpoofEvidence>{RuleName::spoofed_author, check_spoofed_author, refusal::not_from_us},
    Rule<SpoofEvidence>{RuleName::spoofed_name, check_spoofed_name, refusal::not_from_us},
};

/// What a hit does.
void apply_hit(Verdict& verdict, Reason& reason, const Finding& finding, const config::RuleChoice& choice) {
  switch (choice.setting) {
    case config::Setting::off: break;
    case config::Setting::score:
      reason.outcome = Outcome::score;
      reason.points = finding.own_points ? finding.points : choice.points;
      break;
    case config::Setting::defer:
      reason.outcome = Outcome::defer;
      verdict.decision = Decision::defer;
      // RFC 3463 §2: the same cause, this time for a while.
      verdict.status.code = refusal::put_off.code;
      verdict.status.enhanced.klass = refusal::put_off.enhanced.klass;
      break;
    case config::Setting::reject:
      reason.outcome = Outcome::reject;
      verdict.decision = Decision::reject;
      break;
  }
  verdict.points = reason.points;
}

/// What comes of a finding under the rule's setting.
template <class Evidence>
Verdict conclude(const Rule<Evidence>& rule, Stage stage, Finding finding, const Settings& settings) {
  const auto& choice = settings.of(rule.name);
  Verdict verdict;
  verdict.status = rule.refusal;
  Reason reason{rule.name, stage, Outcome::pass, 0, {}};
  const bool refuses = choice.setting == config::Setting::defer || choice.setting == config::Setting::reject;
  if (finding.kind == Finding::Kind::note) reason.outcome = Outcome::note;
  if (finding.kind == Finding::Kind::unsure) {
    reason.outcome = Outcome::unsure;
    if (refuses && settings.no_answer() == config::NoAnswer::defer && !settings.allowed()) {
      reason.outcome = Outcome::defer;
      verdict.decision = Decision::defer;
      verdict.status = status::dns_unavailable;
    }
  }
  if (finding.kind == Finding::Kind::hit) {
    const bool waived = settings.allowed() && rule.waiver == Waiver::possible;
    if (waived)
      reason.outcome = Outcome::waived;
    else
      apply_hit(verdict, reason, finding, choice);
  }
  reason.text = std::move(finding.text);
  verdict.reasons.push_back(std::move(reason));
  return verdict;
}

template <class Table, class Evidence>
Verdict ask(const Table& rules, Stage stage, const Evidence& evidence, const Settings& settings) {
  Verdict verdict;
  verdict.status = status::accepted;
  verdict.reasons.reserve(rules.size());
  for (const auto& rule : rules) {
    if (settings.of(rule.name).setting == config::Setting::off) continue;
    verdict.add(conclude(rule, stage, rule.check(evidence), settings));
  }
  return verdict;
}

}  // namespace

Settings::Settings(const config::Gate& gate, const config::RulesFor* entry) : Settings(gate) {
  if (entry == nullptr) return;
  for (const auto& one : entry->rules) rules_.set(one.rule, one.choice);
}

Verdict judge(const ConnectEvidence& evidence, const Settings& settings) {
  return ask(connect_rules, Stage::connect, evidence, settings);
}
Verdict judge(const HeloEvidence& evidence, const Settings& settings) { return ask(helo_rules, Stage::helo, evidence, settings); }
Verdict judge(const MailEvidence& evidence, const Settings& settings) { return ask(mail_rules, Stage::mail, evidence, settings); }
Verdict judge(const RcptEvidence& evidence, const Settings& settings) { return ask(rcpt_rules, Stage::rcpt, evidence, settings); }
Verdict judge_grey(const RcptEvidence& evidence, const Settings& settings) {
  return ask(grey_rules, Stage::rcpt, evidence, settings);
}
Verdict judge(const HeaderEvidence& evidence, const Settings& settings) {
  return ask(header_rules, Stage::header, collect(evidence), settings);
}

Verdict judge(const MessageEvidence& evidence, const Settings& settings) {
  Verdict nothing;
  nothing.status = status::accepted;
  return evidence.authentication == nullptr ? nothing : ask(message_rules, Stage::message, evidence, settings);
}

Verdict judge(const SpoofEvidence& evidence, const Settings& settings) {
  return ask(spoof_rules, Stage::message, evidence, settings);
}

void Verdict::add(Verdict later) {
  if (later.decision > decision) {
    decision = later.decision;
    status = later.status;
  }
  points += later.points;
  for (auto& reason : later.reasons) reasons.push_back(std::move(reason));
}

void weigh(Verdict& verdict, const config::Gate& gate) {
  if (!verdict.accepted()) return;
  if (gate.reject_at > 0 && verdict.points >= gate.reject_at) {
    verdict.decision = Decision::reject;
    verdict.status = refusal::too_many_points;
  } else if (gate.defer_at > 0 && verdict.points >= gate.defer_at) {
    verdict.decision = Decision::defer;
    verdict.status = refusal::put_off;
  }
}

std::string_view to_string(Stage stage) {
  constexpr std::array<std::string_view, 6> words{"connect", "helo", "mail", "rcpt", "header", "message"};
  return words[static_cast<std::size_t>(stage)];
}

std::string_view to_string(Reason::Outcome outcome) {
  constexpr std::array<std::string_view, 7> words{"pass", "note", "unsure", "score", "waived", "defer", "reject"};
  return words[static_cast<std::size_t>(outcome)];
}

std::string to_string(const std::vector<Reason>& reasons) {
  std::string out;
  for (const auto& reason : reasons) {
    if (reason.outcome == Outcome::pass) continue;
    if (!out.empty()) out += ' ';
    out += fmt::format("{}:{}", to_string(reason.rule), to_string(reason.outcome));
    if (reason.outcome == Outcome::score) out += fmt::format("{:+}", reason.points);
    if (!reason.text.empty()) out += fmt::format("({})", reason.text);
  }
  return out;
}

}  // namespace postern::policy
