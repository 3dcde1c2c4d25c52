// SPDX-License-Identifier: Apache-2.0
// One table for all rules: header, envelope, direction, and which rule says what.
#include "policy/judge.h"

#include <gtest/gtest.h>

namespace postern::policy {
namespace {

using Finding = Reason::Finding;

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
  Evidence evidence;
  evidence.direction = direction;
  evidence.envelope = &envelope;
  evidence.header = header;
  evidence.received_hops_max = 3;
  evidence.own_hostname = "mail.example.org";
  return judge(evidence);
}

Finding finding_of(const Verdict& verdict, std::string_view rule) {
  for (const auto& reason : verdict.reasons) {
    if (reason.rule == rule) return reason.finding;
  }
  ADD_FAILURE() << "no reason of " << rule;
  return Finding::pass;
}

struct Row {
  std::string header;
  Direction direction;
  std::string_view rule;
  Finding finding;
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
      {"From: a@b.example\r\n\r\n", in, "single_from", Finding::pass},
      {"From: a@b.example\r\nFROM : c@d.example\r\n\r\n", in, "single_from", Finding::refuse},
      {"From: a@b.example\r\nFrom: a@b.example\r\n\r\n", out, "single_from", Finding::refuse},
      {"Subject: x\r\n\r\n", in, "single_from", Finding::note},
      {"Subject: x\r\n\r\n", out, "single_from", Finding::refuse},
      {"From: a@b.example, c@d.example\r\n\r\n", in, "single_from", Finding::note},
      {"From: a@b.example, c@d.example\r\n\r\n", out, "single_from", Finding::refuse},
      {"From: group: a@b.example;\r\n\r\n", out, "single_from", Finding::refuse},
      {"From: A <a@b.example>\r\n\r\n", out, "single_from", Finding::pass},
      {"From:\r\n\r\n", out, "single_from", Finding::refuse},
      {received(3), in, "hops", Finding::pass},
      {received(4), in, "hops", Finding::refuse},
      {"Delivered-To: USER0@Example.Org\r\nFrom: a@b.example\r\n\r\n", in, "loop", Finding::refuse},
      {"Delivered-To: user1@example.org\r\nFrom: a@b.example\r\n\r\n", in, "loop", Finding::pass},
      {"Delivered-To: nonsense\r\nFrom: a@b.example\r\n\r\n", in, "loop", Finding::pass},
      {"Authentication-Results: mail.example.org; x\r\n\r\n", in, "forged_results", Finding::note},
      {"Authentication-Results: other.example; x\r\n\r\n", in, "forged_results", Finding::pass},
  };
  for (const auto& row : rows) {
    const auto verdict = judge_header(row.header, row.direction);
    EXPECT_EQ(finding_of(verdict, row.rule), row.finding) << row.header;
    EXPECT_EQ(verdict.accept, row.finding != Finding::refuse) << row.header;
  }
}

TEST(Judge, EveryRuleGivesAReason) { EXPECT_EQ(judge_header("From: a@b.example\r\n\r\n").reasons.size(), 5U); }

TEST(Judge, NullSenderHasFewRecipients) {
  EXPECT_TRUE(judge_header("", Direction::inbound, envelope_to(5, true)).accept);
  const auto verdict = judge_header("", Direction::inbound, envelope_to(6, true));
  EXPECT_FALSE(verdict.accept);
  EXPECT_EQ(verdict.status.code, 550);
  EXPECT_TRUE(judge_header("", Direction::inbound, envelope_to(6)).accept);
}

TEST(Judge, TheFirstRefusalDecides) {
  const auto verdict = judge_header("From: a@b.example\r\n" + received(5));
  EXPECT_EQ(verdict.status.enhanced.to_string(), "5.4.6");
  EXPECT_EQ(finding_of(verdict, "single_from"), Finding::refuse);
}

// security.md D27: the work grows with the header, not with its square.
TEST(Judge, ManyDeliveredToAreALoop) {
  std::string header;
  for (int i = 0; i < 2000; ++i) header += "Delivered-To: x" + std::to_string(i) + "@example.org\r\n";
  EXPECT_FALSE(judge_header(header, Direction::inbound, envelope_to(100)).accept);
}

}  // namespace
}  // namespace postern::policy
