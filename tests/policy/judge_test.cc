// SPDX-License-Identifier: Apache-2.0
// One table for all rules: header, envelope, direction, and which rule says what.
#include "policy/judge.h"

#include "policy/refusal.h"

#include <gtest/gtest.h>

namespace postern::policy {
namespace {

using Outcome = Reason::Outcome;

mail::Address address(const char* text) { return *mail::Address::parse(text); }

mail::Envelope envelope_to(std::size_t recipients, bool null_sender = false) {
  mail::Envelope envelope;
  if (!null_sender) envelope.sender = address("eve@elsewhere.example");
  for (std::size_t i = 0; i < recipients; ++i) {
    envelope.recipients.push_back({address(("user" + std::to_string(i) + "@example.org").c_str()), 0, {}});
  }
  return envelope;
}

Verdict judge_header(std::string_view header, Direction direction = Direction::inbound,
                     const mail::Envelope& envelope = envelope_to(1)) {
  HeaderEvidence evidence;
  evidence.direction = direction;
  evidence.envelope = &envelope;
  evidence.header = header;
  evidence.received_hops_max = 3;
  evidence.own_hostname = "mail.example.org";
  return judge(evidence, Settings(config::Gate()));
}

Outcome outcome_of(const Verdict& verdict, std::string_view rule) {
  for (const auto& reason : verdict.reasons) {
    if (to_string(reason.rule) == rule) return reason.outcome;
  }
  ADD_FAILURE() << "no reason of " << rule;
  return Outcome::pass;
}

struct Row {
  std::string header;
  Direction direction;
  std::string_view rule;
  Outcome outcome;
};

std::string received(int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += "Received: by x.example\r\n";
  return out + "From: a@b.example\r\n\r\n";
}

TEST(Judge, RulesFindWhatTheyShould) {
  constexpr auto in = Direction::inbound;
  constexpr auto out = Direction::submitted;
  const std::vector<Row> rows = {
      {"From: a@b.example\r\n\r\n", in, "single_from", Outcome::pass},
      {"From: a@b.example\r\nFROM : c@d.example\r\n\r\n", in, "single_from", Outcome::reject},
      {"From: a@b.example\r\nFrom: a@b.example\r\n\r\n", out, "single_from", Outcome::reject},
      {"Subject: x\r\n\r\n", in, "single_from", Outcome::note},
      {"Subject: x\r\n\r\n", out, "single_from", Outcome::reject},
      {"From: a@b.example, c@d.example\r\n\r\n", in, "single_from", Outcome::note},
      {"From: a@b.example, c@d.example\r\n\r\n", out, "single_from", Outcome::reject},
      {"From: group: a@b.example;\r\n\r\n", out, "single_from", Outcome::reject},
      {"From: A <a@b.example>\r\n\r\n", out, "single_from", Outcome::pass},
      {"From:\r\n\r\n", out, "single_from", Outcome::reject},
      {received(3), in, "hops", Outcome::pass},
      {received(4), in, "hops", Outcome::reject},
      {"Delivered-To: USER0@Example.Org\r\nFrom: a@b.example\r\n\r\n", in, "loop", Outcome::reject},
      {"Delivered-To: user1@example.org\r\nFrom: a@b.example\r\n\r\n", in, "loop", Outcome::pass},
      {"Delivered-To: nonsense\r\nFrom: a@b.example\r\n\r\n", in, "loop", Outcome::pass},
      {"From: =?utf-8?B?cNCweXBhbA==?= <a@b.example>\r\n\r\n", in, "odd_names", Outcome::score},
      {"From: =?utf-8?B?cNCweXBhbA==?= <a@b.example>\r\n\r\n", out, "odd_names", Outcome::score},
      {"From: =?utf-8?Q?J=C3=B6rg?= <a@b.example>\r\n\r\n", in, "odd_names", Outcome::pass},
      {"Authentication-Results: mail.example.org; x\r\n\r\n", in, "forged_results", Outcome::score},
      {"Authentication-Results: other.example; x\r\n\r\n", in, "forged_results", Outcome::pass},
  };
  for (const auto& row : rows) {
    const auto verdict = judge_header(row.header, row.direction);
    EXPECT_EQ(outcome_of(verdict, row.rule), row.outcome) << row.header;
    EXPECT_EQ(verdict.accepted(), row.outcome != Outcome::reject) << row.header;
  }
}

TEST(Judge, EveryRuleGivesAReason) { EXPECT_EQ(judge_header("From: a@b.example\r\n\r\n").reasons.size(), 6U); }

TEST(Judge, NullSenderHasFewRecipients) {
  EXPECT_TRUE(judge_header("", Direction::inbound, envelope_to(5, true)).accepted());
  const auto verdict = judge_header("", Direction::inbound, envelope_to(6, true));
  EXPECT_FALSE(verdict.accepted());
  EXPECT_EQ(verdict.status.code, 550);
  EXPECT_TRUE(judge_header("", Direction::inbound, envelope_to(6)).accepted());
}

TEST(Judge, TheFirstRefusalDecides) {
  const auto verdict = judge_header("From: a@b.example\r\n" + received(5));
  EXPECT_EQ(verdict.status.enhanced.to_string(), "5.4.6");
  EXPECT_EQ(outcome_of(verdict, "single_from"), Outcome::reject);
}

// security.md D27: the work grows with the header, not with its square.
TEST(Judge, ManyDeliveredToAreALoop) {
  std::string header;
  for (int i = 0; i < 2000; ++i) header += "Delivered-To: x" + std::to_string(i) + "@example.org\r\n";
  EXPECT_FALSE(judge_header(header, Direction::inbound, envelope_to(100)).accepted());
}

TEST(Judge, SettingsDecideWhatAHitDoes) {
  const std::string two = "From: a@b.example\r\nFrom: c@d.example\r\n\r\n";
  const auto envelope = envelope_to(1);
  HeaderEvidence evidence;
  evidence.envelope = &envelope;
  evidence.header = two;
  struct Expected {
    const char* choice;
    Outcome outcome;
    int code;
    double points;
  };
  for (const auto& [choice, outcome, code, points] : {Expected{"reject", Outcome::reject, 550, 0},
                                                      {"defer", Outcome::defer, 451, 0},
                                                      {"score 2.5", Outcome::score, 250, 2.5},
                                                      {"score -1", Outcome::score, 250, -1}}) {
    config::Gate gate;
    gate.rules.set(RuleName::single_from, *config::RuleChoice::parse(choice));
    const auto verdict = judge(evidence, Settings(gate));
    EXPECT_EQ(outcome_of(verdict, "single_from"), outcome) << choice;
    EXPECT_EQ(verdict.status.code, code) << choice;
    EXPECT_EQ(verdict.points, points) << choice;
  }
  config::Gate gate;
  gate.rules.set(RuleName::single_from, {config::Setting::off, 0});
  for (const auto& reason : judge(evidence, Settings(gate)).reasons) EXPECT_NE(reason.rule, RuleName::single_from);
}

// An allow entry waives what rules have against somebody, never what protects from damage.
TEST(Judge, AllowedMailIsWaivedButNotLoops) {
  Settings settings{config::Gate()};
  settings.allow();
  HeloEvidence helo;
  helo.ip = *IpAddress::parse("192.0.2.1");
  helo.name = "mail.example.org";
  helo.own_hostname = "mail.example.org";
  const auto waived = judge(helo, settings);
  EXPECT_TRUE(waived.accepted());
  EXPECT_EQ(outcome_of(waived, "helo_own_name"), Outcome::waived);
  const auto envelope = envelope_to(1);
  HeaderEvidence header;
  header.envelope = &envelope;
  header.header = "From: a@b.example\r\nFrom: c@d.example\r\n\r\n";
  EXPECT_FALSE(judge(header, settings).accepted());
}

TEST(Judge, TheFirstRejectionWinsOverDeferrals) {
  const auto verdict_of = [](Verdict::Decision decision, mail::Status status) {
    Verdict verdict;
    verdict.decision = decision;
    verdict.status = status;
    verdict.points = 1;
    return verdict;
  };
  using enum Verdict::Decision;
  auto sum = verdict_of(accept, mail::status::accepted);
  sum.add(verdict_of(defer, mail::status::dns_unavailable));
  sum.add(verdict_of(defer, mail::status::rate_limited));
  EXPECT_EQ(sum.status.enhanced.to_string(), "4.4.3");
  sum.add(verdict_of(reject, mail::status::refused_by_policy));
  sum.add(verdict_of(reject, mail::status::too_many_hops));
  sum.add(verdict_of(defer, mail::status::rate_limited));
  EXPECT_EQ(sum.status.code, 550);
  EXPECT_EQ(sum.points, 6);
}

TEST(Judge, PointsAreWeighed) {
  struct Row {
    double points, defer_at, reject_at;
    int code;
  };
  for (const auto& row :
       {Row{9.9, 0, 10, 250}, {10, 0, 10, 550}, {10, 0, 0, 250}, {5, 5, 10, 451}, {4, 5, 10, 250}, {12, 5, 0, 451}}) {
    Verdict verdict;
    verdict.status = mail::status::accepted;
    verdict.points = row.points;
    config::Gate gate;
    gate.defer_at = row.defer_at;
    gate.reject_at = row.reject_at;
    weigh(verdict, gate);
    EXPECT_EQ(verdict.status.code, row.code) << row.points << ' ' << row.defer_at << ' ' << row.reject_at;
  }
}

TEST(Judge, ReasonsAreOneLineWithoutWhatPassed) {
  std::vector<Reason> reasons{{RuleName::hops, Stage::header, Outcome::pass, 0, {}},
                              {RuleName::helo_syntax, Stage::helo, Outcome::score, 2, "no dot"},
                              {RuleName::loop, Stage::header, Outcome::reject, 0, {}}};
  EXPECT_EQ(to_string(reasons), "helo_syntax:score+2(no dot) loop:reject");
  EXPECT_EQ(to_string(std::vector<Reason>{}), "");
}

// What the client reads: the cause, what helps to mend it, and nothing of ours.
TEST(Refusal, NamesTheCauseAndNothingOfOurs) {
  const auto verdict = [](RuleName rule, const mail::Status& status, Outcome outcome, std::string text) {
    Verdict out;
    out.decision = outcome == Outcome::defer ? Verdict::Decision::defer : Verdict::Decision::reject;
    out.status = status;
    out.reasons = {{RuleName::hops, Stage::header, Outcome::pass, 0, "nothing"},
                   {rule, Stage::rcpt, outcome, 0, std::move(text)}};
    return out;
  };
  EXPECT_EQ(refusal_text(verdict(RuleName::dnsbl, refusal::listed, Outcome::reject, "bl.example 127.0.0.2")),
            "Your address is on a list of bad senders (bl.example 127.0.0.2); ask there to be taken off");
  EXPECT_EQ(refusal_text(verdict(RuleName::own_block, refusal::kept_out, Outcome::reject, "192.0.2.1, a note for us")),
            "This server does not take mail from you or for this recipient; its postmaster can say why");
  EXPECT_EQ(refusal_text(verdict(RuleName::rate_address, refusal::too_much_mail, Outcome::defer, "7 in the last hour, limit 7")),
            "Too much mail in an hour; send less; try again later");
  EXPECT_EQ(refusal_text(verdict(RuleName::greylist, refusal::put_off, Outcome::defer, "first")), "Not now, try again later");
  const auto hostile =
      refusal_text(verdict(RuleName::spf_fail, refusal::spf_failed, Outcome::reject, "a\r\nb\x01" + std::string(5000, 'x')));
  EXPECT_LT(hostile.size(), 400U);
  EXPECT_NE(hostile.find("(a??b?xxx"), std::string::npos) << hostile;
  Verdict sum;
  sum.decision = Verdict::Decision::reject;
  sum.status = refusal::too_many_points;
  sum.reasons = {{RuleName::dnsbl, Stage::connect, Outcome::score, 4, "bl.example 127.0.0.2"},
                 {RuleName::dnswl, Stage::connect, Outcome::score, -1, "wl.example 127.0.0.2"},
                 {RuleName::helo_syntax, Stage::helo, Outcome::score, 2, "no dot"}};
  EXPECT_EQ(refusal_text(sum), "Too much speaks against this mail (dnsbl: bl.example 127.0.0.2, helo_syntax)");
}

}  // namespace
}  // namespace postern::policy
