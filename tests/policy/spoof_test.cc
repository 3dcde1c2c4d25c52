// SPDX-License-Identifier: Apache-2.0
// Patterns by direction, and what a message claims.
#include "policy/spoof.h"

#include <gtest/gtest.h>

#include "config/gate.h"
#include "config/parse.h"
#include "policy/checks.h"

namespace postern::policy {
namespace {

using config::Pattern;
using config::Spoof;
using config::Way;
using Action = Spoof::Action;

mail::Address address(std::string_view text) { return *mail::Address::parse(text); }
mail::ReversePath path(std::string_view text) { return text.empty() ? mail::ReversePath() : mail::ReversePath(address(text)); }
Spoof entry(Way way, std::string_view from, std::string_view to, Action action) {
  return {way, *Pattern::parse(from), *Pattern::parse(to), action};
}

TEST(Pattern, ReadsAndMatches) {
  struct Row {
    std::string_view pattern, key;
    bool matches;
  };
  for (const auto& [pattern, key, matches] : {Row{"*", "a@b.example", true},
                                              {"*", "", true},
                                              {"<>", "", true},
                                              {"<>", "a@b.example", false},
                                              {"*@B.example", "a@b.example", true},
                                              {"*@b.example", "a@c.b.example", false},
                                              {"*@b.example", "", false},
                                              {"A@b.example", "a@b.example", true},
                                              {"a@b.example", "aa@b.example", false}}) {
    EXPECT_EQ(Pattern::parse(pattern)->matches(key), matches) << pattern << ' ' << key;
  }
  for (const char* bad : {"", "@b.example", "*@", "a@", "**", "b.example", "*@*.example"})
    EXPECT_FALSE(Pattern::parse(bad)) << bad;
}

TEST(Spoof, TheMostSpecificPatternWins) {
  const std::vector<Spoof> entries = {entry(Way::outward, "*", "*", Action::allow),
                                      entry(Way::outward, "*@example.org", "*", Action::reject),
                                      entry(Way::outward, "*@example.org", "*@partner.example", Action::allow),
                                      entry(Way::outward, "printer@example.org", "*", Action::reject),
                                      entry(Way::outward, "printer@example.org", "*", Action::defer),
                                      entry(Way::outward, "*", "bad@elsewhere.example", Action::reject),
                                      entry(Way::inside, "guest@example.org", "*", Action::reject)};
  struct Row {
    Way way;
    std::string_view from, to;
    Action wanted;
  };
  for (const auto& [way, from, to, wanted] : {Row{Way::outward, "x@example.net", "a@elsewhere.example", Action::allow},
                                              {Way::outward, "alice@example.org", "a@elsewhere.example", Action::reject},
                                              {Way::outward, "alice@example.org", "a@partner.example", Action::allow},
                                              {Way::outward, "printer@example.org", "a@partner.example", Action::defer},
                                              {Way::outward, "x@example.net", "bad@elsewhere.example", Action::reject},
                                              {Way::outward, "", "bad@elsewhere.example", Action::reject},
                                              {Way::inside, "guest@example.org", "alice@example.org", Action::reject},
                                              {Way::inside, "alice@example.org", "bob@example.org", Action::allow}}) {
    EXPECT_EQ(judge_way(entries, way, path(from), address(to)), wanted) << from << ' ' << to;
  }
}

OurPeople ours() {
  return {[](const mail::Domain& domain) { return domain.ascii() == "example.org"; },
          [](std::string_view name) { return name == "alice adams"; }};
}

TEST(Spoof, FindsWhatAMessageClaims) {
  struct Row {
    std::string_view from, header, sender, author, name;
  };
  for (const auto& row :
       {Row{"eve@x.example", "From: eve@x.example\r\n\r\n", "", "", ""},
        {"alice@example.org", "From: eve@x.example\r\n\r\n", "alice@example.org", "", ""},
        {"", "From: Alice <ALICE@Example.org>\r\n\r\n", "", "ALICE@example.org", ""},
        {"eve@x.example", "From: e@x.example, b@example.org\r\n\r\n", "", "b@example.org", ""},
        {"eve@x.example", "From: \"alice@example.org\" <eve@x.example>\r\n\r\n", "", "", "alice@example.org"},
        {"eve@x.example", "From: \"Boss (alice@example.org)\" <eve@x.example>\r\n\r\n", "", "", "alice@example.org"},
        {"eve@x.example", "From: =?utf-8?q?alice=40example=2Eorg?= <eve@x.example>\r\n\r\n", "", "", "alice@example.org"},
        {"eve@x.example", "From: \"Alice  ADAMS.\" <eve@x.example>\r\n\r\n", "", "", "Alice  ADAMS."},
        {"eve@x.example", "From: \"eve@x.example\" <eve@x.example>\r\n\r\n", "", "", ""},
        {"eve@x.example", "From: \"a@y.example\" <eve@x.example>\r\n\r\n", "", "", ""},
        {"eve@x.example", "Subject: From: alice@example.org\r\n\r\n", "", "", ""},
        {"eve@x.example", "From: @@@ <<>> \"\r\n\r\n", "", "", ""}}) {
    mail::Envelope envelope;
    envelope.sender = path(row.from);
    const auto found = look_for_spoof(row.header, envelope, ours());
    EXPECT_EQ(found.sender, row.sender) << row.header;
    EXPECT_EQ(found.author, row.author) << row.header;
    EXPECT_EQ(found.name, row.name) << row.header;
  }
}

TEST(Spoof, ClaimsAreRefusedUnlessProvenOrPermitted) {
  SpoofEvidence evidence;
  EXPECT_EQ(check_spoofed_author(evidence).kind, Finding::Kind::pass);
  evidence.author = evidence.sender = "alice@example.org";
  EXPECT_EQ(check_spoofed_author(evidence).kind, Finding::Kind::hit);
  EXPECT_EQ(check_spoofed_sender(evidence).kind, Finding::Kind::hit);
  evidence.author_proven = true;
  EXPECT_EQ(check_spoofed_author(evidence).kind, Finding::Kind::note);
  evidence.author_proven = false;
  evidence.permitted = true;
  EXPECT_EQ(check_spoofed_sender(evidence).kind, Finding::Kind::note);
}

TEST(Spoof, TheFileSaysIt) {
  const auto loaded = config::parse(
      "[[spoof]]\nway = \"inward\"\nsender = \"*@example.org\"\nrecipient = \"list@example.org\"\naction = \"allow\"\n"
      "[[spoof]]\nway = \"outward\"\nsender = \"Printer@example.org\"\naction = \"reject\"\n");
  ASSERT_TRUE(loaded) << config::to_string(loaded.error());
  const auto& entries = loaded->config.gate->spoof;
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0], entry(Way::inward, "*@example.org", "list@example.org", Action::allow));
  EXPECT_EQ(entries[1], entry(Way::outward, "printer@example.org", "*", Action::reject));
  EXPECT_FALSE(config::parse("[[spoof]]\nway = \"inward\"\nsender = \"example.org\"\naction = \"allow\"\n"));
  EXPECT_FALSE(config::parse("[[spoof]]\nsender = \"*\"\n"));
}

}  // namespace
}  // namespace postern::policy
