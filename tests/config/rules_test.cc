// SPDX-License-Identifier: Apache-2.0
// Choices of rules, and their way through the file.
#include "config/rules.h"

#include <gtest/gtest.h>

#include "config/gate.h"
#include "config/parse.h"

namespace postern::config {
namespace {

TEST(RuleChoice, ReadsWhatItShows) {
  for (const char* text : {"off", "defer", "reject", "score 2.5", "score -3", "score 0"}) {
    const auto choice = RuleChoice::parse(text);
    ASSERT_TRUE(choice) << text;
    EXPECT_EQ(choice->to_string(), text);
  }
}

TEST(RuleChoice, RefusesTheRest) {
  for (const char* text : {"", "on", "Reject", "score", "score ", "score x", "score 1x", "score 101", "score -101", "score nan",
                           "score inf", "reject 5", "off ", "score 1 2"}) {
    EXPECT_FALSE(RuleChoice::parse(text)) << text;
  }
}

TEST(Rules, EveryNameIsFoundAgain) {
  for (std::size_t i = 0; i < rule_count; ++i) {
    const auto rule = static_cast<RuleName>(i);
    EXPECT_EQ(rule_named(to_string(rule)), rule);
    EXPECT_FALSE(about(rule).empty());
  }
  EXPECT_FALSE(rule_named("no_such_rule"));
}

TEST(Rules, TheFileDecides) {
  const auto loaded = parse("[rules]\nreverse_name = \"reject\"\nhelo_syntax = \"score 7\"\n[gate]\nreject_at = 5.0\n");
  ASSERT_TRUE(loaded) << to_string(loaded.error());
  const auto& gate = *loaded->config.gate;
  EXPECT_EQ(gate.rules.of(RuleName::reverse_name).setting, Setting::reject);
  EXPECT_EQ(gate.rules.of(RuleName::helo_syntax).points, 7);
  EXPECT_EQ(gate.reject_at, 5);
  EXPECT_EQ(gate.rules.of(RuleName::loop), Rules().of(RuleName::loop));
}

TEST(Rules, MistakesNameThePlaceAndTheRemedy) {
  const auto loaded = parse("[rules]\nreverse_name = \"maybe\"\nhelo_sintax = \"off\"\n");
  ASSERT_FALSE(loaded);
  const auto text = to_string(loaded.error());
  EXPECT_NE(text.find("line 2: rules.reverse_name"), std::string::npos) << text;
  EXPECT_NE(text.find("\"off\", \"score 2.5\""), std::string::npos) << text;
  EXPECT_NE(text.find("line 3"), std::string::npos) << text;
  EXPECT_NE(text.find("helo_syntax"), std::string::npos) << text;
}

TEST(RulesFor, TheMostSpecificEntryDecides) {
  const auto loaded = parse(
      "[[rules_for]]\nrecipient = \"*@example.org\"\nrules = [\"greylist = off\", \"dnsbl=score 2\"]\nmessage_bytes = \"1MiB\"\n"
      "[[rules_for]]\nrecipient = \"alice@example.org\"\nrules = [\"dnsbl = reject\"]\n");
  ASSERT_TRUE(loaded) << to_string(loaded.error());
  const auto& entries = loaded->config.gate->rules_for;
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].rules[0].to_string(), "greylist = off");
  EXPECT_EQ(entries[0].message_bytes, MiB);
  const auto found = [&](std::string recipient) {
    RulesQuestion question;
    question.recipient = std::move(recipient);
    return find_rules_for(entries, question);
  };
  EXPECT_EQ(found("alice@example.org"), &entries[1]);
  EXPECT_EQ(found("bob@example.org"), &entries[0]);
  EXPECT_EQ(found("bob@example.net"), nullptr);
  for (const char* bad : {"greylist", "nothing = off", "greylist = sometimes", "= off", ""})
    EXPECT_FALSE(RuleOverride::parse(bad)) << bad;
}

TEST(RulesFor, ByWayGroupAndAccount) {
  const auto loaded = parse(
      "[[rules_for]]\nrecipient = \"*@example.org\"\n"
      "[[rules_for]]\ngroup = \"Sales\"\n"
      "[[rules_for]]\nrecipient = \"info@example.org\"\n"
      "[[rules_for]]\naccount = \"alice@example.org\"\n"
      "[[rules_for]]\nway = \"outward\"\nsender = \"*@example.org\"\nrules = [\"odd_names = reject\"]\n"
      "[[rules_for]]\nway = \"outward\"\nsender = \"*@example.org\"\nrecipient = \"*@example.com\"\n"
      "[[rules_for]]\nway = \"outward\"\ngroup = \"sales\"\n");
  ASSERT_TRUE(loaded) << to_string(loaded.error());
  const auto& entries = loaded->config.gate->rules_for;
  EXPECT_TRUE(name_accounts(entries));
  struct Row {
    RulesQuestion question;
    std::size_t entry;
  };
  const Row rows[] = {
      {{Way::inward, "x@a.example", "bob@example.org", {"bob@example.org"}, {}}, 0},
      {{Way::inward, "x@a.example", "bob@example.org", {"bob@example.org"}, {"sales"}}, 1},
      {{Way::inward, "x@a.example", "info@example.org", {"bob@example.org"}, {"sales"}}, 2},
      {{Way::inward, "", "info@example.org", {"bob@example.org", "Alice@example.org"}, {"sales"}}, 3},
      {{Way::outward, "bob@example.org", "x@a.example", {"bob@example.org"}, {}}, 4},
      {{Way::outward, "bob@example.org", "x@example.com", {"bob@example.org"}, {}}, 5},
      {{Way::outward, "bob@example.org", "x@example.com", {"bob@example.org"}, {"sales"}}, 6},
  };
  for (const auto& [question, entry] : rows) EXPECT_EQ(find_rules_for(entries, question), &entries[entry]) << entry;
  EXPECT_EQ(find_rules_for(entries, {Way::inside, "bob@example.org", "bob@example.org", {}, {"sales"}}), nullptr);
}

// A rule about connections says nothing of mail that our own people hand in.
TEST(RulesFor, OwnPeopleAreAskedHeaderRulesOnly) {
  const auto loaded = parse("[[rules_for]]\nway = \"inside\"\nrules = [\"dnsbl = reject\"]\n");
  ASSERT_FALSE(loaded);
  const auto text = to_string(loaded.error());
  EXPECT_NE(text.find("dnsbl is only asked of mail from outside"), std::string::npos) << text;
}

// A copy of the configuration has rules of its own.
TEST(Rules, ConfigurationsShareNothing) {
  Config one;
  Config two = one;
  two.gate->reject_at = 1;
  EXPECT_NE(one, two);
  Config three = std::move(two);
  EXPECT_EQ(three.gate->reject_at, 1);
  one = three;
  EXPECT_EQ(one, three);
}

}  // namespace
}  // namespace postern::config
