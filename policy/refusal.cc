// SPDX-License-Identifier: Apache-2.0
#include "policy/refusal.h"

#include <algorithm>

#include "base/ascii.h"

namespace postern::policy {
namespace {

using Outcome = Reason::Outcome;

/// Octets of what was found that are shown.
constexpr std::size_t detail_max = 200;
constexpr std::string_view later = "try again later";

/// Whether the sender's side can use what was found. Nothing of ours is in it: no note, no count, no other person.
bool helps_the_sender(RuleName rule) {
  switch (rule) {
    case RuleName::dnsbl:
    case RuleName::spf_fail:
    case RuleName::spf_softfail:
    case RuleName::dkim:
    case RuleName::arc:
    case RuleName::dmarc_reject:
    case RuleName::dmarc_quarantine:
    case RuleName::dmarc_author:
    case RuleName::spoofed_sender:
    case RuleName::spoofed_author: return true;
    default: return false;
  }
}

/// In brackets, printable and short; empty for nothing.
std::string shown(std::string text) {
  if (text.empty()) return {};
  if (text.size() > detail_max) text.resize(detail_max);
  for (char& c : text) {
    if (!ascii::is_vchar(c) && c != ' ') c = '?';
  }
  return " (" + text + ')';
}

/// The rules whose points brought the mail to its end.
std::string rules_with_points(const Verdict& verdict) {
  std::string out;
  for (const auto& reason : verdict.reasons) {
    if (reason.outcome != Outcome::score || reason.points <= 0) continue;
    out += (out.empty() ? "" : ", ") + std::string(to_string(reason.rule));
    if (helps_the_sender(reason.rule)) out += ": " + reason.text;
  }
  return out;
}

}  // namespace

std::string refusal_text(const Verdict& verdict) {
  const bool put_off = verdict.decision == Verdict::Decision::defer;
  const auto decisive = std::ranges::find(verdict.reasons, put_off ? Outcome::defer : Outcome::reject, &Reason::outcome);
  std::string text(verdict.status.text);
  // What is to be done comes last, what was found before it.
  const auto remedy = std::min({text.find(';'), text.find(", " + std::string(later)), text.size()});
  std::string detail;
  if (decisive == verdict.reasons.end()) {
    detail = shown(rules_with_points(verdict));
  } else if (helps_the_sender(decisive->rule)) {
    detail = shown(decisive->text);
  }
  text.insert(remedy, detail);
  if (put_off && !text.contains(later)) text += "; " + std::string(later);
  return text;
}

}  // namespace postern::policy
