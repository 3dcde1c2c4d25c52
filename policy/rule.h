// SPDX-License-Identifier: Apache-2.0
// What a rule of the gate is, what it finds, and what comes of it. Rules are data: their tables, in the order in which they
// are asked, are in policy/judge.cc; their checks are pure functions of the evidence (policy/evidence.h), declared in
// policy/checks.h. Whatever a check needs from DNS or the store was gathered before (policy/gate.h).
//
// To add a rule:
//   1. config/rule_table.inc   POSTERN_RULE(my_rule, score, 2, "One sentence: what it finds.")
//   2. policy/checks.h, .cc    Finding check_my_rule(const MailEvidence& evidence);
//                              return pass(), hit("why"), note("seen") or unsure("DNS did not answer")
//   3. policy/judge.cc         Rule<MailEvidence>{RuleName::my_rule, check_my_rule, refusal::put_off} in the table of its stage
//   4. a row in the table test of its stage, and a dialogue file when it is a rule of the protocol
// The setting (off, score, defer, reject), the points, the overrides, the log, the trace and `postern rule` follow from that.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/rules.h"
#include "mail/status.h"

namespace postern::policy {

using config::RuleName;

namespace refusal {
#define POSTERN_STATUS(name, code, klass, subject, detail, text) \
  inline constexpr mail::Status name{code, {klass, subject, detail}, text};
#include "policy/refusal_table.inc"
#undef POSTERN_STATUS
}  // namespace refusal

/// When a rule is asked. connect, helo and mail are asked at the first RCPT they matter for, so that nobody who names no
/// recipient costs a question to DNS; header when the header block is complete, message when all of it is here.
enum class Stage : std::uint8_t { connect, helo, mail, rcpt, header, message };
std::string_view to_string(Stage stage);

/// What a check says of the evidence.
struct Finding {
  enum class Kind : std::uint8_t {
    pass,   ///< nothing to say
    note,   ///< something for the log, nothing against the mail
    hit,    ///< what the rule looks for
    unsure  ///< could not be found out now
  };
  Kind kind = Kind::pass;
  std::string text;
  double points = 0;  ///< of a hit, in place of the rule's own when `own_points`
  bool own_points = false;
};
inline Finding pass() { return {}; }
inline Finding note(std::string text) { return {Finding::Kind::note, std::move(text)}; }
inline Finding hit(std::string text) { return {Finding::Kind::hit, std::move(text)}; }
/// A hit that weighs what the check says: several lists, several words.
inline Finding hit(std::string text, double points) { return {Finding::Kind::hit, std::move(text), points, true}; }
inline Finding unsure(std::string text) { return {Finding::Kind::unsure, std::move(text)}; }

/// May an entry of the allow list overrule it? What protects us or others from damage (loops, duplicate authors) never.
enum class Waiver : std::uint8_t { possible, never };

template <class Evidence>
struct Rule {
  RuleName name;
  Finding (*check)(const Evidence&);
  mail::Status refusal;  ///< the reply when the setting is reject
  Waiver waiver = Waiver::possible;
};

/// What one rule said and what came of it, for log and trace.
struct Reason {
  enum class Outcome : std::uint8_t { pass, note, unsure, score, waived, defer, reject };
  RuleName rule = RuleName::hops;
  Stage stage = Stage::header;
  Outcome outcome = Outcome::pass;
  double points = 0;  ///< added to the sum
  std::string text;
};
std::string_view to_string(Reason::Outcome outcome);
/// "helo_syntax:score+2(no dot)"; outcomes of pass are left out. Empty when no rule had anything to say.
std::string to_string(const std::vector<Reason>& reasons);

/// What is to be done, and why.
struct Verdict {
  enum class Decision : std::uint8_t { accept, defer, reject };
  Decision decision = Decision::accept;
  mail::Status status;  ///< the reply when it is not accepted
  double points = 0;
  bool allowed = false;  ///< an entry of our own list lets the mail in
  std::vector<Reason> reasons;

  bool accepted() const { return decision == Decision::accept; }
  /// Joins the verdict of a later stage: the first rejection decides, otherwise the first deferral; points add up.
  void add(Verdict later);
};

}  // namespace postern::policy
