// SPDX-License-Identifier: Apache-2.0
// What port 25 would say is what it says, and leaves no trace.
#include "smtp/rehearsal.h"

#include "tests/smtp/house.h"

namespace postern::test {
namespace {

smtp::SupposedMail supposed(std::string_view to, std::string message = {}) {
  smtp::SupposedMail mail{*IpAddress::parse("192.0.2.1"),
                          *IpAddress::parse("192.0.2.25"),
                          "client.example",
                          *mail::Address::parse("eve@elsewhere.example"),
                          *mail::Address::parse(to),
                          std::move(message)};
  return mail;
}

const policy::Reason* reason_of(const smtp::Rehearsed& seen, policy::RuleName rule) {
  const auto found = std::ranges::find(seen.reasons, rule, &policy::Reason::rule);
  return found == seen.reasons.end() ? nullptr : &*found;
}

class Rehearsal : public testing::Test {
 protected:
  smtp::Rehearsed rehearse(smtp::SupposedMail mail) {
    return *house_.run(smtp::rehearse(house_.parts(), house_.gate(), std::move(mail)));
  }
  House house_;
};

// Neither greylisting nor a rate learns from it, and a notice to a rewritten sender goes where it would go.
TEST_F(Rehearsal, TeachesTheGateNothing) {
  house_.act("rule greylist defer");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(rehearse(supposed("alice@example.org")).steps.back().reply.substr(0, 3), "451") << i;
    house_.clock().advance(std::chrono::seconds(400));
  }
  house_.act("rule greylist off");
  house_.act("gate rate_recipient 1");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(rehearse(supposed("alice@example.org")).accepted) << i;
}

TEST_F(Rehearsal, KnowsRewrittenSenders) {
  const auto ours = *mail::Domain::parse("example.org");
  const auto there = house_.srs().forward(*mail::Address::parse("pat@elsewhere.example"), ours, house_.clock().unix_now());
  ASSERT_TRUE(there);
  auto mail = supposed(there->to_string());
  mail.sender = {};
  const auto seen = rehearse(mail);
  EXPECT_TRUE(seen.accepted);
  EXPECT_EQ(seen.destinations.size(), 1U);
}

TEST_F(Rehearsal, SaysWhatEachCommandGets) {
  const auto seen = rehearse(supposed("alice@example.org", "From: eve@elsewhere.example\r\nSubject: x\r\n\r\n.dot\r\nend"));
  EXPECT_TRUE(seen.accepted);
  ASSERT_EQ(seen.steps.size(), 6U);
  EXPECT_EQ(seen.steps[2].command, "MAIL FROM:<eve@elsewhere.example> BODY=8BITMIME SIZE=52");
  EXPECT_EQ(seen.steps[5].reply, "250 2.0.0 Would be accepted");
  EXPECT_EQ(seen.destinations, std::vector<std::string>{"mailbox of alice@example.org"});
  EXPECT_NE(reason_of(seen, policy::RuleName::helo_syntax), nullptr) << "rules that passed are named too";
  EXPECT_NE(reason_of(seen, policy::RuleName::spoofed_author), nullptr);
  EXPECT_NE(seen.added.find("Authentication-Results: mail.example.org"), std::string::npos) << seen.added;
}

TEST_F(Rehearsal, StopsWhereTheMailIsRefused) {
  auto seen = rehearse(supposed("nobody@example.org"));
  EXPECT_FALSE(seen.accepted);
  EXPECT_EQ(seen.steps.back().command, "RCPT TO:<nobody@example.org>");
  EXPECT_TRUE(seen.steps.back().reply.starts_with("550 5.1.1")) << seen.steps.back().reply;
  EXPECT_TRUE(seen.destinations.empty());

  house_.act("rule helo_own_name reject");
  auto mail = supposed("alice@example.org");
  mail.helo = "mail.example.org";
  seen = rehearse(mail);
  EXPECT_TRUE(seen.steps.back().reply.starts_with("550 5.7.1")) << seen.steps.back().reply;
  const auto* reason = reason_of(seen, policy::RuleName::helo_own_name);
  ASSERT_NE(reason, nullptr);
  EXPECT_EQ(reason->outcome, policy::Reason::Outcome::reject);

  seen = rehearse(supposed("alice@example.org", "From: alice@example.org\r\n\r\npay me\r\n"));
  EXPECT_FALSE(seen.accepted);
  EXPECT_EQ(seen.steps.back().command, "(message)");
  EXPECT_EQ(reason_of(seen, policy::RuleName::spoofed_author)->outcome, policy::Reason::Outcome::reject);
}

TEST_F(Rehearsal, LeavesNoTrace) {
  house_.act("gate rate_address 1");
  house_.act("rule greylist defer");
  const auto log = house_.log_text().size();
  for (int i = 0; i < 3; ++i) {
    const auto seen = rehearse(supposed("alice@example.org", "From: eve@elsewhere.example\r\n\r\nx\r\n"));
    EXPECT_EQ(seen.steps.back().reply.substr(0, 3), "451") << "the greylist has not learned";
    EXPECT_NE(reason_of(seen, policy::RuleName::greylist), nullptr) << "the rate has not been counted";
  }
  EXPECT_EQ(house_.verify("messages alice@example.org 0"), "");
  EXPECT_EQ(house_.log_text().size(), log);
  EXPECT_EQ(house_.verify("queued 0"), "");
}

TEST_F(Rehearsal, ForwardsAndAliasesAreNamed) {
  EXPECT_EQ(rehearse(supposed("away@example.org")).destinations, std::vector<std::string>{"alice@elsewhere.example, forwarded"});
  EXPECT_EQ(rehearse(supposed("info@example.org")).destinations.size(), 2U);
}

TEST_F(Rehearsal, NullSenderAndUtf8) {
  auto mail = supposed("alice@example.org");
  mail.sender = {};
  EXPECT_TRUE(rehearse(mail).accepted);
  mail.sender = *mail::Address::parse("jörg@elsewhere.example");
  const auto seen = rehearse(mail);
  EXPECT_EQ(seen.steps[2].command, "MAIL FROM:<jörg@elsewhere.example> SMTPUTF8");
  EXPECT_TRUE(seen.accepted) << seen.steps.back().reply;
}

}  // namespace
}  // namespace postern::test
