// SPDX-License-Identifier: Apache-2.0
// judge: runs the gate's rules of one stage over its evidence and says what to do, with a reason for each rule (product.md
// promise 5). The order of all rules can be read in judge.cc. No I/O; evidence is gathered by policy/gate.h.
#pragma once

#include "config/gate.h"
#include "policy/evidence.h"
#include "policy/rule.h"

namespace postern::policy {

/// Which setting each rule has for the mail at hand.
class Settings {
 public:
  explicit Settings(const config::Gate& gate) : rules_(gate.rules), no_answer_(gate.no_answer) {}
  /// With what an entry of [[rules_for]] changes; null: nothing.
  Settings(const config::Gate& gate, const config::RulesFor* entry);
  const config::RuleChoice& of(RuleName rule) const { return rules_.of(rule); }
  config::NoAnswer no_answer() const { return no_answer_; }
  void set(RuleName rule, const config::RuleChoice& choice) { rules_.set(rule, choice); }
  /// An entry of the allow list names this mail: rules that can be waived only note what they find.
  bool allowed() const { return allowed_; }
  void allow() { allowed_ = true; }

 private:
  config::Rules rules_;
  config::NoAnswer no_answer_;
  bool allowed_ = false;
};

Verdict judge(const ConnectEvidence& evidence, const Settings& settings);
Verdict judge(const HeloEvidence& evidence, const Settings& settings);
Verdict judge(const MailEvidence& evidence, const Settings& settings);
Verdict judge(const RcptEvidence& evidence, const Settings& settings);
/// Last of the stage rcpt, because only mail that all others let in is greylisted.
Verdict judge_grey(const RcptEvidence& evidence, const Settings& settings);
Verdict judge(const HeaderEvidence& evidence, const Settings& settings);
/// Accepts at once when nothing was authenticated.
Verdict judge(const MessageEvidence& evidence, const Settings& settings);
Verdict judge(const SpoofEvidence& evidence, const Settings& settings);

/// Rejects or defers what has collected too many points, when no rule has done so already.
void weigh(Verdict& verdict, const config::Gate& gate);

}  // namespace postern::policy
