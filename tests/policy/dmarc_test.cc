// SPDX-License-Identifier: Apache-2.0
#include "policy/dmarc.h"

#include <gtest/gtest.h>

#include "async/executor.h"
#include "dns/zone.h"
#include "policy/public_suffix.h"

namespace postern::policy {
namespace {

TEST(PublicSuffix, Organizations) {
  EXPECT_EQ(organizational_domain("a.b.example.com"), "example.com");
  EXPECT_EQ(organizational_domain("mail.example.co.uk"), "example.co.uk");
  EXPECT_EQ(organizational_domain("co.uk"), "co.uk");
  EXPECT_EQ(organizational_domain("com"), "com");
  EXPECT_EQ(organizational_domain(""), "");
  EXPECT_TRUE(is_public_suffix("co.uk"));
  EXPECT_FALSE(is_public_suffix("example.co.uk"));
}

constexpr std::string_view records = R"(
  _dmarc.example.com.        TXT "v=DMARC1; p=reject; sp=quarantine; np=none"
  mail.example.com.          A   192.0.2.1
  _dmarc.strict.example.com. TXT "v=DMARC1; p=quarantine; adkim=s; aspf=s"
  _dmarc.example.net.        TXT "v=DMARC1; p=reject; t=y"
  _dmarc.part.example.       TXT "v=DMARC1; p=reject; pct=30"
  _dmarc.two.example.        TXT "v=DMARC1; p=reject"
  _dmarc.two.example.        TXT "v=DMARC1; p=none"
  _dmarc.other.example.      TXT "v=spf1 -all"
  _dmarc.broken.example.     SERVFAIL
  _dmarc.gov.example.        TXT "v=DMARC1; p=reject; psd=y; np=reject; sp=quarantine"
  _dmarc.dept.gov.example.   TXT "v=DMARC1; p=quarantine"
  _dmarc.own.example.com.    TXT "v=DMARC1; p=none; psd=n"
  _dmarc.deep.example.       TXT "v=DMARC1; p=reject"
)";

struct Asked {
  std::string author;
  std::string spf;
  std::vector<std::string> dkim;
  OrganizationBy by = OrganizationBy::tree_walk;
  unsigned dice = 0;
  std::vector<std::string> undecided;
};

DmarcResult check(const Asked& asked, dns::Zone& zone) {
  DmarcQuestion question;
  question.author = asked.author;
  question.spf = asked.spf;
  question.dkim = asked.dkim;
  question.by = asked.by;
  question.dice = asked.dice;
  question.undecided = asked.undecided;
  DmarcCheck check(zone);
  return async::run_alone(check.check(std::move(question)));
}
DmarcResult check(const Asked& asked) {
  dns::Zone zone(records);
  return check(asked, zone);
}

TEST(Dmarc, FindsThePolicy) {
  struct Row {
    std::string author;
    DmarcCode code;
    std::string found_at;
    DmarcPolicy published;
  };
  const Row rows[] = {
      {"example.com", DmarcCode::fail, "example.com", DmarcPolicy::reject},
      {"mail.example.com", DmarcCode::fail, "example.com", DmarcPolicy::quarantine},
      {"none.such.example.com", DmarcCode::fail, "example.com", DmarcPolicy::none},
      {"strict.example.com", DmarcCode::fail, "strict.example.com", DmarcPolicy::quarantine},
      {"nothing.test", DmarcCode::none, "", DmarcPolicy::none},
      {"two.example", DmarcCode::none, "", DmarcPolicy::none},
      {"other.example", DmarcCode::none, "", DmarcPolicy::none},
      {"broken.example", DmarcCode::temperror, "", DmarcPolicy::none},
      {"a.broken.example", DmarcCode::temperror, "", DmarcPolicy::none},
      {"www.dept.gov.example", DmarcCode::fail, "dept.gov.example", DmarcPolicy::quarantine},
      {"new.gov.example", DmarcCode::fail, "gov.example", DmarcPolicy::reject},
      {"gov.example", DmarcCode::fail, "gov.example", DmarcPolicy::reject},
  };
  for (const auto& row : rows) {
    const auto result = check({.author = row.author});
    EXPECT_EQ(result.code, row.code) << row.author << ' ' << result.reason;
    EXPECT_EQ(result.found_at, row.found_at) << row.author;
    EXPECT_EQ(result.published, row.published) << row.author;
  }
}

// RFC 9989 §4.4; RFC 7489 Appendix B.1
TEST(Dmarc, Alignment) {
  struct Row {
    Asked asked;
    bool spf;
    bool dkim;
  };
  const auto psl = OrganizationBy::public_suffix;
  const Row rows[] = {
      {{"example.com", "example.com", {}}, true, false},
      {{"example.com", "mail.example.com", {}}, true, false},
      {{"mail.example.com", "example.com", {}}, true, false},
      {{"mail.example.com", "other.example.com", {}}, true, false},
      {{"example.com", "example.net", {}}, false, false},
      {{"example.com", "badexample.com", {}}, false, false},
      {{"example.com", "com", {}}, false, false},
      {{"example.com", "", {"example.org", "a.example.com"}}, false, true},
      {{"strict.example.com", "a.strict.example.com", {"example.com"}}, false, false},
      {{"strict.example.com", "", {"strict.example.com"}}, false, true},
      // psd=n makes it an organization of its own; below psd=y everybody is his own.
      {{"example.com", "own.example.com", {}}, false, false},
      {{"a.own.example.com", "own.example.com", {}}, true, false},
      {{"one.gov.example", "two.gov.example", {"gov.example"}}, false, false},
      {{"www.dept.gov.example", "mail.dept.gov.example", {}}, true, false},
      // By the list neither matters.
      {{"example.com", "own.example.com", {}, psl}, true, false},
      {{"mail.example.com", "a.b.example.com", {}, psl}, true, false},
      {{"example.com", "example.net", {}, psl}, false, false},
  };
  for (const auto& row : rows) {
    const auto result = check(row.asked);
    EXPECT_EQ(result.spf_aligned, row.spf) << row.asked.author << ' ' << row.asked.spf;
    EXPECT_EQ(result.dkim_aligned, row.dkim) << row.asked.author << ' ' << row.asked.spf;
    EXPECT_EQ(result.code, row.spf || row.dkim ? DmarcCode::pass : DmarcCode::fail);
    EXPECT_TRUE(result.code == DmarcCode::fail || result.wished == DmarcPolicy::none);
  }
}

TEST(Dmarc, TestingAndSampling) {
  EXPECT_EQ(check({.author = "example.net"}).wished, DmarcPolicy::quarantine);
  EXPECT_EQ(check({.author = "example.net"}).published, DmarcPolicy::reject);
  EXPECT_EQ(check({.author = "part.example", .dice = 29}).wished, DmarcPolicy::reject);
  EXPECT_EQ(check({.author = "part.example", .dice = 30}).wished, DmarcPolicy::quarantine);
}

// security.md D48
TEST(Dmarc, TemporaryErrorsOfAlignedChecksDoNotFail) {
  EXPECT_EQ(check({.author = "example.com", .undecided = {"mail.example.com"}}).code, DmarcCode::temperror);
  EXPECT_EQ(check({.author = "example.com", .undecided = {"example.net"}}).code, DmarcCode::fail);
  EXPECT_EQ(check({.author = "example.com", .spf = "example.com", .undecided = {"example.com"}}).code, DmarcCode::pass);
}

// RFC 9989 §4.10, security.md D49
TEST(Dmarc, TheWalkIsBounded) {
  dns::Zone zone(records);
  std::string name = "deep.example";
  for (int i = 0; i < 40; ++i) name = "l" + std::to_string(i) + "." + name;
  EXPECT_EQ(check({.author = name}, zone).found_at, "deep.example");
  EXPECT_EQ(zone.queries(), tree_walk_max);
  dns::Zone again(records);
  EXPECT_EQ(check({"a.b.c.d.e.f.g.deep.example", "x.deep.example"}, again).code, DmarcCode::pass);
  EXPECT_LE(again.queries(), 2 * tree_walk_max);
}

TEST(Dmarc, WorstOfSeveralAuthors) {
  auto pass = check({"example.com", "example.com"});
  auto quarantine = check({.author = "strict.example.com"});
  auto reject = check({.author = "example.com"});
  EXPECT_EQ(worst_of({pass, quarantine, reject}).wished, DmarcPolicy::reject);
  EXPECT_EQ(worst_of({pass, pass}).code, DmarcCode::pass);
  EXPECT_EQ(worst_of({pass, check({.author = "nothing.test"})}).code, DmarcCode::none);
  EXPECT_EQ(worst_of({}).code, DmarcCode::none);
}

}  // namespace
}  // namespace postern::policy
