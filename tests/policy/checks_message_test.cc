// SPDX-License-Identifier: Apache-2.0
// Rules of the stage message.
#include <gtest/gtest.h>

#include "config/gate.h"
#include "policy/authentication.h"
#include "policy/authentication_options.h"
#include "policy/judge.h"

namespace postern::policy {
namespace {

using Outcome = Reason::Outcome;

struct Row {
  RuleName rule;
  void (*make)(Authentication& all);
  Outcome outcome;
};

void set_dmarc(Authentication& all, DmarcCode code, DmarcPolicy published) {
  all.dmarc.code = code;
  all.dmarc.author = "a.example";
  all.dmarc.published = published;
  all.dmarc.wished = published;
  all.disposition = code == DmarcCode::fail ? published : DmarcPolicy::none;
}

void add_signature(Authentication& all, DkimCode code, bool partial = false) {
  DkimResult one;
  one.code = code;
  one.partial = partial;
  one.domain = "a.example";
  all.dkim.push_back(one);
}

TEST(MessageRules, Outcomes) {
  const Row rows[] = {
      {RuleName::spf_fail, [](Authentication&) {}, Outcome::pass},
      {RuleName::spf_fail, [](Authentication& all) { all.spf.code = SpfCode::fail; }, Outcome::reject},
      {RuleName::spf_fail, [](Authentication& all) { all.spf.code = SpfCode::temperror; }, Outcome::unsure},
      {RuleName::spf_fail, [](Authentication& all) { all.spf.code = SpfCode::permerror; }, Outcome::note},
      {RuleName::spf_fail, [](Authentication& all) { all.spf.code = SpfCode::softfail; }, Outcome::pass},
      {RuleName::spf_softfail, [](Authentication& all) { all.spf.code = SpfCode::softfail; }, Outcome::reject},
      {RuleName::dkim, [](Authentication&) {}, Outcome::pass},
      {RuleName::dkim, [](Authentication& all) { add_signature(all, DkimCode::fail); }, Outcome::reject},
      {RuleName::dkim, [](Authentication& all) { add_signature(all, DkimCode::pass, true); }, Outcome::note},
      {RuleName::dkim,
       [](Authentication& all) {
         add_signature(all, DkimCode::fail);
         add_signature(all, DkimCode::pass);
       },
       Outcome::pass},
      {RuleName::dkim,
       [](Authentication& all) {
         add_signature(all, DkimCode::fail);
         add_signature(all, DkimCode::temperror);
       },
       Outcome::unsure},
      {RuleName::arc, [](Authentication& all) { all.arc.code = ArcCode::fail; }, Outcome::reject},
      {RuleName::arc, [](Authentication& all) { all.arc.code = ArcCode::temperror; }, Outcome::unsure},
      {RuleName::arc, [](Authentication& all) { all.arc.code = ArcCode::pass; }, Outcome::pass},
      {RuleName::dmarc_reject, [](Authentication& all) { set_dmarc(all, DmarcCode::pass, DmarcPolicy::reject); }, Outcome::pass},
      {RuleName::dmarc_reject, [](Authentication& all) { set_dmarc(all, DmarcCode::fail, DmarcPolicy::reject); },
       Outcome::reject},
      {RuleName::dmarc_reject, [](Authentication& all) { set_dmarc(all, DmarcCode::fail, DmarcPolicy::quarantine); },
       Outcome::pass},
      {RuleName::dmarc_reject, [](Authentication& all) { set_dmarc(all, DmarcCode::temperror, DmarcPolicy::reject); },
       Outcome::unsure},
      {RuleName::dmarc_reject,
       [](Authentication& all) {
         set_dmarc(all, DmarcCode::fail, DmarcPolicy::reject);
         all.disposition = DmarcPolicy::none;
         all.overridden = OverrideReason::mailing_list;
       },
       Outcome::note},
      {RuleName::dmarc_quarantine, [](Authentication& all) { set_dmarc(all, DmarcCode::fail, DmarcPolicy::quarantine); },
       Outcome::reject},
      {RuleName::dmarc_quarantine, [](Authentication& all) { set_dmarc(all, DmarcCode::fail, DmarcPolicy::reject); },
       Outcome::pass},
      {RuleName::dmarc_author, [](Authentication& all) { set_dmarc(all, DmarcCode::permerror, DmarcPolicy::none); },
       Outcome::reject},
      {RuleName::dmarc_author, [](Authentication& all) { set_dmarc(all, DmarcCode::none, DmarcPolicy::none); }, Outcome::pass},
  };
  for (const auto& row : rows) {
    Authentication all;
    row.make(all);
    config::Gate gate;
    gate.rules.set(RuleName::dmarc_reject, {config::Setting::score, 0});
    gate.rules.set(row.rule, {config::Setting::reject, 0});
    MessageEvidence evidence;
    evidence.authentication = &all;
    const auto verdict = judge(evidence, Settings(gate));
    const auto reason = std::ranges::find(verdict.reasons, row.rule, &Reason::rule);
    ASSERT_NE(reason, verdict.reasons.end());
    EXPECT_EQ(reason->outcome, row.outcome) << to_string(row.rule) << ' ' << reason->text;
    EXPECT_EQ(verdict.accepted(), row.outcome != Outcome::reject) << to_string(row.rule);
  }
}

// security.md D48: the defaults refuse nothing for a temporary error; no_answer = "defer" puts it off.
TEST(MessageRules, TemporaryErrors) {
  Authentication all;
  set_dmarc(all, DmarcCode::temperror, DmarcPolicy::none);
  MessageEvidence evidence;
  evidence.authentication = &all;
  config::Gate gate;
  EXPECT_TRUE(judge(evidence, Settings(gate)).accepted());
  gate.no_answer = config::NoAnswer::defer;
  EXPECT_EQ(judge(evidence, Settings(gate)).decision, Verdict::Decision::defer);
}

TEST(MessageRules, NothingAuthenticated) {
  const auto verdict = judge(MessageEvidence{}, Settings({}));
  EXPECT_TRUE(verdict.accepted());
  EXPECT_TRUE(verdict.reasons.empty());
}

TEST(AuthenticationOptions, FromTheConfiguration) {
  config::Authentication config;
  config.dmarc_overrides = {*config::DomainPolicy::parse("Example.ORG  quarantine")};
  config.forwarders = {*config::Forwarder::parse("lists.example.org"), *config::Forwarder::parse("192.0.2.0/24")};
  config.trusted_sealers = {*config::ListedDomain::parse("sealer.example")};
  config.organization = config::Organization::public_suffix;
  const auto options = options_of(config);
  ASSERT_EQ(options.overrides.size(), 1U);
  EXPECT_EQ(options.overrides[0].domain, "example.org");
  EXPECT_EQ(options.overrides[0].policy, DmarcPolicy::quarantine);
  EXPECT_EQ(options.forwarders, std::vector<std::string>{"lists.example.org"});
  ASSERT_EQ(options.forwarder_networks.size(), 1U);
  EXPECT_TRUE(options.forwarder_networks[0].contains(*IpAddress::parse("192.0.2.9")));
  EXPECT_EQ(options.organization, OrganizationBy::public_suffix);
  EXPECT_FALSE(config::DomainPolicy::parse("example.org block"));
  EXPECT_FALSE(config::DomainPolicy::parse("example.org"));
  EXPECT_FALSE(config::DomainPolicy::parse("none"));
  EXPECT_FALSE(config::Forwarder::parse("a b"));
  EXPECT_EQ(config.dmarc_overrides[0].to_string(), "example.org quarantine");
}

}  // namespace
}  // namespace postern::policy
